import { Reader, type Token } from './where-lexer.ts'
import { type BinaryOperator, type Expression, INTERVAL_UNITS } from './where-tree.ts'

/**
 * Reads a predicate in the subset of Spark SQL that `docs/quality.md` lists. Spark's rules hold: both kinds of quotes are text,
 * back-quotes are names, keywords and functions in any case. Fails with a `WhereProblem`.
 */
export function parsePredicate(text: string): Expression {
  const reader = new Reader(text)
  const tree = parseOr(reader, 0)
  if (reader.token.kind !== 'end') reader.fail(`unexpected ${reader.token.text}`)
  return tree
}

// --- Precedence, from the loosest ----------------------------------------------------------------------------------

/** Deeper nesting is nobody's predicate, and would exhaust the stack. */
const DEPTH_MAX = 100

function parseOr(reader: Reader, depth: number): Expression {
  if (depth > DEPTH_MAX) reader.fail(`a predicate may be nested ${DEPTH_MAX} deep`)
  let left = parseAnd(reader, depth)
  while (reader.take('OR')) left = { kind: 'or', left, right: parseAnd(reader, depth) }
  return left
}

function parseAnd(reader: Reader, depth: number): Expression {
  let left = parseNot(reader, depth)
  while (reader.take('AND')) left = { kind: 'and', left, right: parseNot(reader, depth) }
  return left
}

function parseNot(reader: Reader, depth: number): Expression {
  if (depth > DEPTH_MAX) reader.fail(`a predicate may be nested ${DEPTH_MAX} deep`)
  return reader.take('NOT', '!')
    ? { kind: 'not', operand: parseNot(reader, depth + 1) }
    : parseComparison(reader, depth)
}

const COMPARISONS: Readonly<Record<string, BinaryOperator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': '<=>',
}

const SIGNS = Object.keys(COMPARISONS)

function parseComparison(reader: Reader, depth: number): Expression {
  let left = parseSum(reader, depth)
  // To Spark a comparison is a value: `a = b IS NOT TRUE` asks about the comparison.
  for (let sign = reader.take(...SIGNS); sign; sign = reader.take(...SIGNS)) {
    const operator = COMPARISONS[sign.text] as BinaryOperator
    left = { kind: 'binary', operator, left, right: parseSum(reader, depth) }
  }
  if (reader.take('IS')) return parseIs(reader, left, depth)
  const negated = reader.sees('NOT') && reader.advance() !== undefined
  if (reader.take('IN')) return { kind: 'in', operand: left, values: parseArguments(reader, depth, 1), negated }
  if (reader.take('BETWEEN')) {
    const lower = parseSum(reader, depth)
    reader.expect('AND')
    return { kind: 'between', operand: left, lower, upper: parseSum(reader, depth), negated }
  }
  const like = reader.take('LIKE', 'ILIKE', 'RLIKE', 'REGEXP')
  if (like) {
    const word = like.text.toUpperCase()
    const kind = word === 'LIKE' || word === 'ILIKE' ? 'like' : 'rlike'
    const pattern = parseSum(reader, depth)
    const sign = kind === 'like' && reader.take('ESCAPE') ? parseEscape(reader) : '\\'
    return { kind, operand: left, pattern, negated, ignoreCase: word === 'ILIKE', escape: sign }
  }
  return negated ? reader.fail('expected IN, BETWEEN, LIKE or RLIKE after NOT') : left
}

function parseEscape(reader: Reader): string {
  const { kind, text, at } = reader.advance()
  return kind === 'text' && text.length === 1 ? text : reader.fail('expected one character after ESCAPE', at)
}

function parseIs(reader: Reader, operand: Expression, depth: number): Expression {
  const negated = reader.take('NOT') !== undefined
  if (reader.take('DISTINCT')) {
    reader.expect('FROM')
    const same: Expression = { kind: 'binary', operator: '<=>', left: operand, right: parseSum(reader, depth) }
    return negated ? same : { kind: 'not', operand: same }
  }
  const what =
    reader.take('NULL', 'TRUE', 'FALSE') ?? reader.fail('expected NULL, TRUE, FALSE or DISTINCT FROM after IS')
  const word = what.text.toUpperCase()
  if (word === 'NULL') return { kind: 'is-null', operand, negated }
  return { kind: 'is-boolean', operand, value: word === 'TRUE', negated }
}

function parseSum(reader: Reader, depth: number): Expression {
  let left = parseProduct(reader, depth)
  for (let sign = reader.take('+', '-', '||'); sign; sign = reader.take('+', '-', '||'))
    left = { kind: 'binary', operator: sign.text as BinaryOperator, left, right: parseProduct(reader, depth) }
  return left
}

function parseProduct(reader: Reader, depth: number): Expression {
  let left = parseSigned(reader, depth)
  for (let sign = reader.take('*', '/', '%', 'DIV'); sign; sign = reader.take('*', '/', '%', 'DIV'))
    left = {
      kind: 'binary',
      operator: sign.text.toUpperCase() as BinaryOperator,
      left,
      right: parseSigned(reader, depth),
    }
  return left
}

function parseSigned(reader: Reader, depth: number): Expression {
  if (depth > DEPTH_MAX) reader.fail(`a predicate may be nested ${DEPTH_MAX} deep`)
  if (reader.take('-')) return { kind: 'negative', operand: parseSigned(reader, depth + 1) }
  if (reader.take('+')) return parseSigned(reader, depth + 1)
  return parsePrimary(reader, depth)
}

// --- Terms ---------------------------------------------------------------------------------------------------------

function parsePrimary(reader: Reader, depth: number): Expression {
  const { kind, text, at } = reader.token
  if (reader.take('(')) {
    const inner = parseOr(reader, depth + 1)
    reader.expect(')')
    return inner
  }
  switch (kind) {
    case 'number':
      reader.advance()
      return { kind: 'number', text: text.replace(/(?:BD|[LSYDF])$/i, '') }
    case 'text':
      reader.advance()
      return { kind: 'text', value: text }
    case 'quoted-name':
      return parseColumn(reader)
    case 'name':
      return parseWord(reader, depth)
    default:
      return reader.fail(kind === 'end' ? 'the predicate ends too early' : `unexpected ${text}`, at)
  }
}

function parseWord(reader: Reader, depth: number): Expression {
  if (reader.take('TRUE')) return { kind: 'boolean', value: true }
  if (reader.take('FALSE')) return { kind: 'boolean', value: false }
  if (reader.take('NULL')) return { kind: 'null' }
  if (reader.take('CASE')) return parseCase(reader, depth)
  const name = reader.advance()
  const word = name.text.toUpperCase()
  if ((word === 'DATE' || word === 'TIMESTAMP') && reader.token.kind === 'text')
    return { kind: 'typed', type: word, text: reader.advance().text }
  if (word === 'INTERVAL' && ['number', 'text', 'sign'].includes(reader.token.kind) && !reader.sees('('))
    return parseInterval(reader) ?? columnFrom(reader, name)
  if (reader.sees('(')) return word === 'CAST' ? parseCast(reader, depth) : parseCall(reader, name, depth)
  if (RESERVED.has(word)) return reader.fail(`unexpected ${name.text}`, name.at)
  return columnFrom(reader, name)
}

/** `INTERVAL 7 DAYS`, `INTERVAL '7' DAY`, `INTERVAL '7 days'`; a column of that name is left to the caller. */
function parseInterval(reader: Reader): Expression | undefined {
  if (reader.token.kind === 'sign' && !reader.sees('-')) return undefined
  const sign = reader.take('-') ? -1 : 1
  const { kind, text, at } = reader.advance()
  const [, digits, inside] = /^\s*([+-]?\d+)(?:\s+([a-z]+))?\s*$/i.exec(text) ?? []
  if (digits === undefined || (kind !== 'number' && kind !== 'text'))
    return reader.fail('expected a whole number after INTERVAL', at)
  const word = inside ?? reader.advance().text
  const unit = INTERVAL_UNITS.find(each => each === word.toUpperCase() || `${each}S` === word.toUpperCase())
  return unit === undefined
    ? reader.fail(`expected one of ${INTERVAL_UNITS.join(', ')} after INTERVAL`, at)
    : { kind: 'interval', amount: sign * Number(digits), unit }
}

const RESERVED: ReadonlySet<string> = new Set(
  'AND OR NOT IN IS LIKE ILIKE RLIKE REGEXP BETWEEN WHEN THEN ELSE END SELECT FROM WHERE EXISTS DIV ESCAPE'.split(' '),
)

const parseColumn = (reader: Reader): Expression => columnFrom(reader, reader.advance())

function columnFrom(reader: Reader, first: Token): Expression {
  const path = [first.text]
  while (reader.take('.')) {
    const { kind, text } = reader.token
    if (kind !== 'name' && kind !== 'quoted-name') reader.fail('expected the name of a field after "."')
    reader.advance()
    path.push(text)
  }
  return { kind: 'column', path, at: first.at }
}

function parseArguments(reader: Reader, depth: number, min: number): readonly Expression[] {
  reader.expect('(')
  const given: Expression[] = []
  if (!reader.sees(')')) {
    do given.push(parseOr(reader, depth + 1))
    while (reader.take(','))
  }
  if (given.length < min) reader.fail('expected a value')
  reader.expect(')')
  return given
}

const parseCall = (reader: Reader, name: Token, depth: number): Expression => ({
  kind: 'call',
  name: name.text.toLowerCase(),
  arguments: parseArguments(reader, depth, 0),
  at: name.at,
})

function parseCast(reader: Reader, depth: number): Expression {
  reader.expect('(')
  const operand = parseOr(reader, depth + 1)
  reader.expect('AS')
  const { kind, text, at } = reader.advance()
  if (kind !== 'name') reader.fail('expected a type after AS', at)
  const scale = reader.sees('(') ? parseArguments(reader, depth, 1) : []
  reader.expect(')')
  const digits = scale.map(each =>
    each.kind === 'number' && /^\d+$/.test(each.text) ? each.text : reader.fail('expected digits', at),
  )
  return {
    kind: 'cast',
    operand,
    type: digits.length === 0 ? text.toLowerCase() : `${text.toLowerCase()}(${digits.join(',')})`,
    at,
  }
}

function parseCase(reader: Reader, depth: number): Expression {
  const subject = reader.sees('WHEN') ? undefined : parseOr(reader, depth + 1)
  const branches: { readonly when: Expression; readonly result: Expression }[] = []
  while (reader.take('WHEN')) {
    const test = parseOr(reader, depth + 1)
    reader.expect('THEN')
    const when: Expression =
      subject === undefined ? test : { kind: 'binary', operator: '=', left: subject, right: test }
    branches.push({ when, result: parseOr(reader, depth + 1) })
  }
  if (branches.length === 0) reader.fail('expected WHEN after CASE')
  const otherwise = reader.take('ELSE') ? parseOr(reader, depth + 1) : undefined
  reader.expect('END')
  return { kind: 'case', branches, otherwise }
}
