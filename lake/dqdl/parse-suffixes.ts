import type { Condition, Labels, SimpleRule, Span, Tag } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { parseCondition } from './parse-condition.ts'
import { parseLabels } from './parse-labels.ts'
import { printNumber, printText } from './printer.ts'
import type { RuleType } from './rule-types.ts'

export type Suffixes = Pick<SimpleRule, 'where' | 'threshold' | 'tags' | 'labels'>

/** In the grammar where, labels and tags follow in this order; AWS's documentation and its own printer write them otherwise. */
const ORDER = ['where', 'labels', 'with'] as const

const NO_SUFFIXES: Suffixes = { where: undefined, threshold: undefined, tags: [], labels: {} }

/** What follows the condition of a rule. */
export function parseSuffixes(cursor: Cursor, type: RuleType, defaultLabels: Labels): Suffixes {
  let found = NO_SUFFIXES
  if (!cursor.sees(...ORDER)) return found
  const taken = new Set<string>()
  while (cursor.sees(...ORDER)) {
    const word = cursor.next()
    checkPlace(cursor, word, taken)
    taken.add(word.text)
    if (word.text === 'where') found = { ...found, where: parseWhere(cursor, type) }
    else if (word.text === 'labels') found = { ...found, labels: parseLabels(cursor, defaultLabels) }
    else found = withTag(cursor, type, found)
  }
  return found
}

function checkPlace(cursor: Cursor, { text, span }: Token, taken: ReadonlySet<string>): void {
  if (text === 'with') return
  if (taken.has(text)) cursor.fail(`the rule has a second "${text}"`, { span, fix: 'one of each is enough' })
  if (!taken.has('with') && !(text === 'where' && taken.has('labels'))) return
  const fix = 'the order is: condition, where, labels, with'
  if (cursor.mode === 'aws') cursor.fail(`"${text}" cannot stand here`, { span, fix })
  cursor.warn(`AWS refuses "${text}" here`, { span, fix })
}

function parseWhere(cursor: Cursor, type: RuleType): string {
  const { text, span } = cursor.quoted('a predicate')
  if (!type.where) return cursor.refuse(`Where clause is not supported for rule type: ${type.name}`, { span })
  if (text !== '') return text
  return cursor.refuse(`Empty where condition provided for rule type: ${type.name}`, { span })
}

function withTag(cursor: Cursor, type: RuleType, found: Suffixes): Suffixes {
  const name = parseTagName(cursor)
  const start = cursor.peek()
  const condition = parseCondition(cursor, new Map())
  if (condition === undefined)
    return cursor.fail(`expected a condition after "with ${name.text}", found ${cursor.found()}`, {
      span: start.span,
      fix: `such as with ${name.text} ${name.text.toLowerCase() === 'threshold' ? '> 0.9' : '= "…"'}`,
    })
  const span = cursor.from(name)
  // To AWS `= NULL` is first of all a text.
  const isNull = condition.kind === 'number' && condition.operator === '=' && condition.operands[0]?.kind === 'null'
  if (condition.kind !== 'number' || name.text.toLowerCase() !== 'threshold' || isNull)
    return { ...found, tags: withoutTag(found.tags, name.text).concat(tagOf(cursor, { name, condition, span })) }
  if (!type.threshold)
    return cursor.refuse(`Threshold condition not supported for rule type: ${type.name}`, {
      span,
      fix: 'only ColumnValues, ColumnDataType, CustomSql, FileFreshness and FileSize take one',
    })
  if (found.threshold) return cursor.refuse('Only one threshold condition at a time is supported.', { span })
  return { ...found, threshold: condition }
}

/** A later tag of the same name takes the place of an earlier one. */
const withoutTag = (tags: readonly Tag[], name: string): readonly Tag[] => tags.filter(each => each.name !== name)

function parseTagName(cursor: Cursor): Token {
  const { kind, text, span } = cursor.peek()
  const isQuoted = kind === 'string' && /^[\w.]+$/.test(text)
  if (kind !== 'word' && !(isQuoted && cursor.mode === 'lenient'))
    return cursor.fail(`expected the name of a tag after "with", found ${cursor.found()}`, {
      fix: isQuoted ? `write ${text} without quotes` : undefined,
    })
  if (kind === 'string') cursor.warn('AWS refuses quotes around the name of a tag', { span, fix: `write ${text}` })
  return cursor.next()
}

interface FoundTag {
  readonly name: Token
  readonly condition: Condition
  readonly span: Span
}

function tagOf(cursor: Cursor, { name: { text: name }, condition, span }: FoundTag): Tag {
  if (condition.kind !== 'string' && condition.kind !== 'number')
    return cursor.fail(`the tag ${name} takes a text or a number, not a ${condition.kind}`, { span })
  if (condition.operator !== '=')
    return cursor.refuse(
      `${condition.kind === 'string' ? 'String' : 'Number'} tags only support the equality operator.`,
      { span, fix: `write with ${name} = …` },
    )
  const [operand] = condition.operands
  switch (operand?.kind) {
    case 'text':
      return { name, value: operand.value, text: printText(operand) }
    case 'keyword':
      return { name, value: operand.keyword, text: operand.keyword }
    case 'null':
      return { name, value: 'NULL', text: 'NULL' }
    case 'literal':
      return { name, value: operand.value, text: operand.text }
    case 'call':
    case 'binary': {
      // AWS keeps an expression as its text, without white space.
      const text = printNumber(operand).replaceAll(' ', '')
      return { name, value: text, text }
    }
    case undefined:
      return cursor.fail(`the tag ${name} takes a text or a number`, { span })
  }
}
