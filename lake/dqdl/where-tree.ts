/** A predicate of the Spark SQL subset that `where` takes, as a tree. */
export type Expression =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'typed'; readonly type: 'DATE' | 'TIMESTAMP'; readonly text: string }
  | { readonly kind: 'interval'; readonly amount: number; readonly unit: IntervalUnit }
  /** Names from the column down. */
  | { readonly kind: 'column'; readonly path: readonly string[]; readonly at: number }
  | { readonly kind: 'not' | 'negative'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'is-null'; readonly operand: Expression; readonly negated: boolean }
  | { readonly kind: 'is-boolean'; readonly operand: Expression; readonly value: boolean; readonly negated: boolean }
  | {
      readonly kind: 'in'
      readonly operand: Expression
      readonly values: readonly Expression[]
      readonly negated: boolean
    }
  | {
      readonly kind: 'between'
      readonly operand: Expression
      readonly lower: Expression
      readonly upper: Expression
      readonly negated: boolean
    }
  | {
      readonly kind: 'like' | 'rlike'
      readonly operand: Expression
      readonly pattern: Expression
      readonly negated: boolean
      readonly ignoreCase: boolean
      /** Of LIKE: the sign before a % or _ that is meant as it is. */
      readonly escape: string
    }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[]; readonly at: number }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: string; readonly at: number }
  | {
      readonly kind: 'case'
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[]
      readonly otherwise: Expression | undefined
    }

export type BinaryOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>' | '+' | '-' | '*' | '/' | '%' | 'DIV' | '||'

export const INTERVAL_UNITS = ['YEAR', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'] as const
export type IntervalUnit = (typeof INTERVAL_UNITS)[number]

/** Why a predicate cannot be read or expressed, and where in its text. */
export class WhereProblem extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}
