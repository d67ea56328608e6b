import { type BinaryOperator, type Expression, WhereProblem } from './where-tree.ts'

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

interface Token {
  readonly kind: 'name' | 'quoted-name' | 'text' | 'number' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

const WHITE = /\s+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const SIGN = /<=>|<>|<=|>=|!=|==|\|\||[=<>+\-*/%(),.]/y
const QUOTED_NAME = /`(?:[^`]|``)+`/y
const SINGLE = /'(?:[^'\\]|\\[\s\S]|'')*'/y
const DOUBLE = /"(?:[^"\\]|\\[\s\S]|"")*"/y

class Reader {
  readonly #text: string
  #next = 0
  token: Token

  constructor(text: string) {
    this.#text = text
    this.token = this.#read()
  }

  advance(): Token {
    const taken = this.token
    this.token = this.#read()
    return taken
  }

  /** Whether one of these keywords or signs comes next. */
  sees(...words: readonly string[]): boolean {
    const { kind, text } = this.token
    return kind === 'name' ? words.includes(text.toUpperCase()) : kind === 'sign' && words.includes(text)
  }

  take(...words: readonly string[]): Token | undefined {
    return this.sees(...words) ? this.advance() : undefined
  }

  expect(word: string): Token {
    return (
      this.take(word) ?? this.fail(`expected ${word}, found ${this.token.kind === 'end' ? 'the end' : this.token.text}`)
    )
  }

  fail(message: string, at = this.token.at): never {
    throw new WhereProblem(message, at)
  }

  #read(): Token {
    this.#match(WHITE)
    const at = this.#next
    if (at >= this.#text.length) return { kind: 'end', text: '', at }
    const name = this.#match(NAME)
    if (name !== undefined) return { kind: 'name', text: name, at }
    const number = this.#match(NUMBER)
    if (number !== undefined) return { kind: 'number', text: number, at }
    const quotedName = this.#match(QUOTED_NAME)
    if (quotedName !== undefined)
      return { kind: 'quoted-name', text: quotedName.slice(1, -1).replaceAll('``', '`'), at }
    const text = this.#match(SINGLE) ?? this.#match(DOUBLE)
    if (text !== undefined) return { kind: 'text', text: unquoted(text), at }
    const sign = this.#match(SIGN)
    if (sign !== undefined) return { kind: 'sign', text: sign, at }
    return this.fail(`unexpected ${JSON.stringify(String.fromCodePoint(this.#text.codePointAt(at) as number))}`, at)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#next
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#next += found.length
    return found
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', b: '\b' }

/** Spark's escapes; before % and _ the backslash stays for LIKE. */
function unquoted(text: string): string {
  const quote = text[0] as string
  const inner = text.slice(1, -1).replaceAll(`${quote}${quote}`, quote)
  return inner.replace(/\\([\s\S])/g, (whole, escaped: string) =>
    escaped === '%' || escaped === '_' ? whole : (ESCAPES[escaped] ?? escaped),
  )
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
  return reader.take('NOT') ? { kind: 'not', operand: parseNot(reader, depth + 1) } : parseComparison(reader, depth)
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

function parseComparison(reader: Reader, depth: number): Expression {
  const left = parseSum(reader, depth)
  const comparison = reader.take(...Object.keys(COMPARISONS))
  if (comparison) {
    const operator = COMPARISONS[comparison.text] as BinaryOperator
    return { kind: 'binary', operator, left, right: parseSum(reader, depth) }
  }
  if (reader.take('IS')) return parseIs(reader, left)
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
    return { kind, operand: left, pattern: parseSum(reader, depth), negated, ignoreCase: word === 'ILIKE' }
  }
  return negated ? reader.fail('expected IN, BETWEEN, LIKE or RLIKE after NOT') : left
}

function parseIs(reader: Reader, operand: Expression): Expression {
  const negated = reader.take('NOT') !== undefined
  const what = reader.take('NULL', 'TRUE', 'FALSE') ?? reader.fail('expected NULL, TRUE or FALSE after IS')
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
  for (let sign = reader.take('*', '/', '%'); sign; sign = reader.take('*', '/', '%'))
    left = { kind: 'binary', operator: sign.text as BinaryOperator, left, right: parseSigned(reader, depth) }
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
      return { kind: 'number', text }
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
  if (reader.sees('(')) return word === 'CAST' ? parseCast(reader, depth) : parseCall(reader, name, depth)
  if (RESERVED.has(word)) return reader.fail(`unexpected ${name.text}`, name.at)
  return columnFrom(reader, name)
}

const RESERVED: ReadonlySet<string> = new Set(
  'AND OR NOT IN IS LIKE ILIKE RLIKE REGEXP BETWEEN WHEN THEN ELSE END SELECT FROM WHERE EXISTS'.split(' '),
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
