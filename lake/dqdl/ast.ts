import type { RuleType } from './rule-types.ts'

/** A parsed ruleset, every part with its place in the text. Values are logical; how they print is the printer's affair. */
export interface Ruleset {
  readonly metadata: Readonly<Record<string, string>>
  readonly sources: { readonly primary: string | undefined; readonly additional: readonly string[] }
  readonly variables: readonly Variable[]
  readonly defaultLabels: Labels
  readonly rules: readonly Rule[]
  readonly analyzers: readonly Analyzer[]
}

/** Where something begins and ends, as offsets into the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Variable {
  readonly name: string
  readonly value: string | readonly string[]
  readonly span: Span
}

export type Labels = Readonly<Record<string, string>>

export type Rule = SimpleRule | CompositeRule

export interface SimpleRule {
  readonly kind: 'rule'
  readonly type: RuleType
  readonly parameters: readonly Parameter[]
  readonly condition: Condition | undefined
  /** The text between the quotes. */
  readonly where: string | undefined
  readonly threshold: NumberCondition | undefined
  /** `with name = value`, in order, without the threshold. */
  readonly tags: readonly Tag[]
  /** Its own labels; `labelsOf` adds the defaults. */
  readonly labels: Labels
  readonly span: Span
}

export interface CompositeRule {
  readonly kind: 'composite'
  readonly operator: 'and' | 'or'
  /** At least two; one of the same operator is flattened into this one unless it bears labels. */
  readonly rules: readonly Rule[]
  readonly labels: Labels
  readonly span: Span
}

export interface Analyzer {
  readonly type: RuleType
  readonly parameters: readonly Parameter[]
  readonly span: Span
}

export interface Parameter {
  /** The text that it stands for: of a variable, what the variable holds. */
  readonly value: string
  /** As it is written between the quotes, escapes and all; what AWS's model holds and prints. */
  readonly raw: string
  readonly quoted: boolean
  /** The word before it, as written: of, OF, and, AND. */
  readonly connector: string | undefined
  /** The name of the variable that it was written as. */
  readonly variable: string | undefined
}

export interface Tag {
  readonly name: string
  readonly value: string | number
  /** As AWS's model prints the value. */
  readonly text: string
}

// --- Conditions ----------------------------------------------------------------------------------------------------

export type Comparison = '>' | '>=' | '<' | '<=' | '=' | '!='
export type Operator = Comparison | 'between' | 'not between' | 'in' | 'not in' | 'matches' | 'not matches'

export type Condition = NumberCondition | StringCondition | DateCondition | DurationCondition | SizeCondition

/** `between` has two operands, lists have one or more, everything else has one. */
export interface NumberCondition {
  readonly kind: 'number'
  readonly operator: Operator
  readonly operands: readonly NumberOperand[]
}
export type NumberOperand =
  | { readonly kind: 'literal'; readonly text: string; readonly value: number }
  | { readonly kind: 'null' }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly NumberOperand[] }
  | {
      readonly kind: 'binary'
      readonly operator: '+' | '-' | '*' | '/'
      readonly left: NumberOperand
      readonly right: NumberOperand
      /** Parentheses are kept in print around a binary expression alone. */
      readonly inParentheses: boolean
    }

export interface StringCondition {
  readonly kind: 'string'
  readonly operator: Operator
  readonly operands: readonly StringOperand[]
  /** `in $name`: the operands are what the variable holds, and the name is what prints. */
  readonly variable: string | undefined
}
export type Keyword = 'NULL' | 'EMPTY' | 'WHITESPACES_ONLY'
export type StringOperand =
  /** `raw` is what stood between the quotes, `value` what it means. */
  | { readonly kind: 'text'; readonly value: string; readonly raw: string }
  | { readonly kind: 'keyword'; readonly keyword: Keyword }

export interface DateCondition {
  readonly kind: 'date'
  readonly operator: Operator
  readonly operands: readonly DateOperand[]
}
export type DateOperand =
  /** ISO date as written, its calendar unchecked. */
  | { readonly kind: 'date'; readonly text: string }
  | { readonly kind: 'now'; readonly offset: { readonly sign: '+' | '-'; readonly duration: Duration } | undefined }
  /** `"14:30"` or `"2:30 PM"`, in the time zone of the tag `timeZone`; minutes of the day. */
  | { readonly kind: 'time'; readonly text: string; readonly minutes: number }
  | { readonly kind: 'null' }

export interface Duration {
  readonly amount: number
  readonly unit: 'days' | 'hours' | 'minutes'
}
export interface DurationCondition {
  readonly kind: 'duration'
  readonly operator: Operator
  readonly operands: readonly Duration[]
}

export interface Size {
  readonly amount: number
  /** None: bytes. */
  readonly unit: 'B' | 'KB' | 'MB' | 'GB' | 'TB' | undefined
}
export interface SizeCondition {
  readonly kind: 'size'
  readonly operator: Operator
  readonly operands: readonly Size[]
}

/** The labels of a rule: the defaults of the ruleset, overridden by its own. */
export function labelsOf(ruleset: Pick<Ruleset, 'defaultLabels'>, rule: Rule): Labels {
  return { ...ruleset.defaultLabels, ...rule.labels }
}

/** The simple rules of a rule: itself, or those of a composite at every depth. */
export const leavesOf = (rule: Rule): readonly SimpleRule[] =>
  rule.kind === 'rule' ? [rule] : rule.rules.flatMap(leavesOf)
