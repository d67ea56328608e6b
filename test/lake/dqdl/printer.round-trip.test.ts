// Contract: what is printed parses again to the same tree, and prints the same. Left out is what AWS's printer loses: variables, default
// labels, the backslashes of texts in lists, and the single quotes that it escapes for Spark.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type {
  Analyzer,
  Condition,
  DateOperand,
  Duration,
  NumberCondition,
  NumberOperand,
  Operator,
  Parameter,
  Rule,
  Ruleset,
  SimpleRule,
  Size,
  StringOperand,
  Tag,
} from '#lake/dqdl/ast.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { printRuleset } from '#lake/dqdl/printer.ts'
import { type ConditionKind, RULE_TYPES, type RuleType } from '#lake/dqdl/rule-types.ts'

const span = { start: 0, end: 0 }
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })

// --- Operands ------------------------------------------------------------------------------------------------------

/** Texts that are no date and no time, without what the printer loses. */
const text = fc
  .string({ unit: fc.constantFrom(...'abZ 09_.,-#[]{}()%é€\n$'), maxLength: 8 })
  .filter(each => !/\$[a-zA-Z_]/.test(each))
const name = fc.constantFrom('a', 'b_c', 'd.e', '5a', '_x', 'now', 'threshold')

const literal = fc.tuple(fc.boolean(), fc.nat(999), maybe(fc.nat(99))).map(([minus, whole, part]): NumberOperand => {
  const digits = `${minus ? '-' : ''}${whole}${part === undefined ? '' : `.${part}`}`
  return { kind: 'literal', text: digits, value: Number(digits) }
})
/** As parsed: the right side of an operator is a single operand, and every binary expression inside another stands in parentheses. */
const operand: fc.Arbitrary<NumberOperand> = fc.letrec<{ expression: NumberOperand; single: NumberOperand }>(tie => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    tie('single'),
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '/'), tie('single'))
      .map(
        ([left, operator, right]): NumberOperand => ({ kind: 'binary', operator, left, right, inParentheses: false }),
      ),
  ),
  single: fc.oneof(
    { depthSize: 'small' },
    literal,
    fc
      .tuple(fc.constantFrom('avg', 'last', 'f.g'), fc.array(tie('expression'), { maxLength: 2 }))
      .map(([called, given]): NumberOperand => ({ kind: 'call', name: called, arguments: given })),
    tie('expression').map(inner => (inner.kind === 'binary' ? { ...inner, inParentheses: true } : inner)),
  ),
})).expression

const plain = text.map((value): StringOperand => ({ kind: 'text', value, raw: value }))
const keyword = fc
  .constantFrom('NULL' as const, 'EMPTY' as const, 'WHITESPACES_ONLY' as const)
  .map((each): StringOperand => ({ kind: 'keyword', keyword: each }))
const duration: fc.Arbitrary<Duration> = fc.record({
  amount: fc.nat(2_147_483_647),
  unit: fc.constantFrom('days' as const, 'hours' as const, 'minutes' as const),
})
const date: fc.Arbitrary<DateOperand> = fc.oneof(
  fc.constantFrom<DateOperand>(
    { kind: 'date', text: '2024-02-30' },
    { kind: 'time', text: '9:30 AM', minutes: 570 },
    { kind: 'time', text: '21:45', minutes: 1305 },
    { kind: 'now', offset: undefined },
  ),
  fc
    .record({ sign: fc.constantFrom('+' as const, '-' as const), duration })
    .map((offset): DateOperand => ({ kind: 'now', offset })),
)
const size: fc.Arbitrary<Size> = fc.record({
  amount: fc.nat(2_147_483_647),
  unit: fc.constantFrom('B' as const, 'KB' as const, 'MB' as const, 'GB' as const, 'TB' as const),
})

// --- Conditions ----------------------------------------------------------------------------------------------------

const ORDERS: readonly Operator[] = ['>', '>=', '<', '<=', '=', '!=']

/** An operator with as many operands as it takes. */
function compared<T>(one: fc.Arbitrary<T>, orders = ORDERS) {
  const single = fc.tuple(fc.constantFrom(...orders), fc.tuple(one))
  const list = fc.tuple(fc.constantFrom<Operator>('in', 'not in'), fc.array(one, { minLength: 1, maxLength: 3 }))
  const range = fc.tuple(fc.constantFrom<Operator>('between', 'not between'), fc.tuple(one, one))
  return orders === ORDERS ? fc.oneof(single, list, range) : fc.oneof(single, list)
}

const number: fc.Arbitrary<NumberCondition> = compared(operand).map(([operator, operands]) => ({
  kind: 'number',
  operator,
  operands,
}))
const pattern = fc.tuple(fc.constantFrom<Operator>('matches', 'not matches'), fc.tuple(plain))
const CONDITIONS: Readonly<Record<ConditionKind, fc.Arbitrary<Condition>>> = {
  number,
  // NULL alone is a condition on numbers: a text beside it makes it one on texts.
  string: fc
    .oneof(
      pattern,
      compared(plain, ['=', '!=']),
      fc.tuple(
        fc.constantFrom<Operator>('in', 'not in'),
        fc.tuple(plain, keyword, keyword).map((all): readonly StringOperand[] => all),
      ),
    )
    .map(([operator, operands]) => ({ kind: 'string', operator, operands, variable: undefined })),
  date: compared(date).map(([operator, operands]) => ({ kind: 'date', operator, operands })),
  duration: compared(duration).map(([operator, operands]) => ({ kind: 'duration', operator, operands })),
  size: compared(size).map(([operator, operands]) => ({ kind: 'size', operator, operands })),
}

// --- Rules ---------------------------------------------------------------------------------------------------------

const parameter = (isFirst: boolean): fc.Arbitrary<Parameter> =>
  fc
    .tuple(fc.boolean(), text, name, fc.constantFrom('of', 'OF', 'and', 'AND', undefined))
    .map(([quoted, quotedText, word, connector]) => {
      const value = quoted ? quotedText : word
      return { value, raw: value, quoted, connector: isFirst ? undefined : connector, variable: undefined }
    })

const parametersOf = ({ parameters, vararg }: RuleType) =>
  fc
    .integer({ min: parameters.length, max: vararg ? 3 : parameters.length })
    .chain(count => fc.tuple(...Array.from({ length: count }, (_, at) => parameter(at === 0))))

const tag: fc.Arbitrary<Tag> = fc.oneof(
  text.map(value => ({ name: 'format', value, text: `"${value}"` })),
  fc.nat(99).map(value => ({ name: 'recentFiles', value, text: String(value) })),
  fc.constant({ name: 'failFast', value: 'EMPTY', text: 'EMPTY' }),
)
const filled = text.filter(each => each !== '')
const labels = fc.dictionary(filled, filled, { maxKeys: 3, noNullPrototype: true })

function ruleOf(type: RuleType): fc.Arbitrary<SimpleRule> {
  const kinds = type.conditions.map(kind => CONDITIONS[kind])
  const condition = kinds.length === 0 ? fc.constant(undefined) : fc.oneof(...kinds)
  return fc.record({
    kind: fc.constant('rule' as const),
    type: fc.constant(type),
    parameters: parametersOf(type),
    condition: type.needsCondition ? condition : maybe(condition),
    where: type.where ? maybe(filled) : fc.constant(undefined),
    threshold: type.threshold ? maybe(number) : fc.constant(undefined),
    tags: fc.uniqueArray(tag, { selector: each => each.name, maxLength: 2 }),
    labels,
    span: fc.constant(span),
  })
}

const simple = fc.constantFrom(...RULE_TYPES.filter(type => type.use !== 'analyzers-only')).chain(ruleOf)
/** Nested composites are of the other operator: those of the same one are flattened, unless they bear labels. */
const composite = (operator: 'and' | 'or', depth: number): fc.Arbitrary<Rule> => {
  const inner = operator === 'and' ? ('or' as const) : ('and' as const)
  const rule: fc.Arbitrary<Rule> = depth === 0 ? simple : fc.oneof(simple, composite(inner, depth - 1))
  return fc.record({
    kind: fc.constant('composite' as const),
    operator: fc.constant(operator),
    rules: fc.array(rule, { minLength: 2, maxLength: 3 }),
    labels,
    span: fc.constant(span),
  })
}
const rule: fc.Arbitrary<Rule> = fc.oneof({ arbitrary: simple, weight: 3 }, composite('and', 2), composite('or', 2))

const analyzer: fc.Arbitrary<Analyzer> = fc
  .constantFrom(...RULE_TYPES.filter(type => type.use !== 'rules-only'))
  .chain(type => fc.record({ type: fc.constant(type), parameters: parametersOf(type), span: fc.constant(span) }))

const alias = fc.constantFrom('orders', 'a-b', 'ref.1')
const ruleset: fc.Arbitrary<Ruleset> = fc.record({
  metadata: fc.constantFrom<Ruleset['metadata']>({}, { Version: '1.0' }),
  sources: fc.record({ primary: maybe(alias), additional: fc.array(alias, { maxLength: 2 }) }),
  variables: fc.constant([]),
  defaultLabels: fc.constant({}),
  rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  analyzers: fc.array(analyzer, { maxLength: 2 }),
})

/** Places are of the text that was read, not of what it says. */
const withoutSpans = (tree: unknown): unknown =>
  JSON.parse(JSON.stringify(tree, (key, value) => (key === 'span' ? undefined : value)))

test('print, parse, print', () => {
  fc.assert(
    fc.property(ruleset, tree => {
      const printed = printRuleset(tree)
      // AWS's own parser does not take the order in which its model prints a threshold and labels.
      const { ruleset: read, diagnostics } = parseRuleset(printed, { mode: 'lenient' })
      expect(diagnostics.filter(each => each.severity === 'error')).toEqual([])
      expect(withoutSpans(read)).toEqual(withoutSpans(tree))
      expect(read && printRuleset(read)).toBe(printed)
    }),
    { numRuns: 300 },
  )
})
