// JSON is read in two ways, and a file is not told by which: whatever DuckDB's strict reader takes, the scanner reads to the same
// rows, and what the scanner would refuse, the strict reader does not let through.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeJson, scanJsonRecords } from '#functions/quality/decode/json.ts'
import { type ColumnSpec, type Dataset, defineDataset, type TypeSpec } from '#lake/dataset.ts'
import { type Decoded, decodedIn, inSession } from './decoding.ts'

const PRIMITIVES: readonly TypeSpec[] = [
  'boolean',
  'int',
  'long',
  'double',
  'decimal(9,2)',
  'decimal(15,4)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
]

const types = fc.letrec<{ type: TypeSpec; primitive: TypeSpec }>(tie => ({
  primitive: fc.constantFrom(...PRIMITIVES),
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: tie('primitive'), weight: 4 },
    { arbitrary: tie('type').map(list => ({ list })), weight: 1 },
    { arbitrary: tie('primitive').map(value => ({ map: { key: 'string' as const, value } })), weight: 1 },
    { arbitrary: fc.record({ x: tie('type'), Y: tie('type') }).map(struct => ({ struct })), weight: 1 },
  ),
})).type

/** JSON text of a value that fits the type, or, now and then, of one that does not. */
function textOf(type: TypeSpec): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: fitting(type), weight: 40 }, { arbitrary: anything, weight: 1 })
}

const quoted = (text: string): string => JSON.stringify(text)
const whole = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), fc.integer().map(String))
const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    'NaN',
    'Infinity',
    '1.50',
    '1e3',
    '12',
    '[1, 2]',
    '{"a": 1}',
    '[deleted]',
    '{',
    'null',
    '-',
    ',}',
    'é\u0000',
  ),
)

/** Written in every way that means something, sense or nonsense. */
const anything = fc.constantFrom(
  ...[
    'null',
    'true',
    'false',
    '0',
    '1.50',
    '1e3',
    '1E400',
    'NaN',
    '-Infinity',
    'inf',
    '12345678901234567890',
    '9007199254740993.0',
  ],
  ...[
    '""',
    '"x"',
    '" 1"',
    '"1_0"',
    '[]',
    '{}',
    '[1,]',
    '{"a":1,}',
    '{"a": 1}',
    '{"a":1,"a":2}',
    '[ 1 , 2.50 ]',
    '"\\ud800"',
    'tru',
  ],
)

function fitting(type: TypeSpec): fc.Arbitrary<string> {
  if (typeof type !== 'string') {
    if ('list' in type) return fc.array(textOf(type.list), { maxLength: 3 }).map(items => `[${items.join(', ')}]`)
    if ('map' in type)
      return fc
        .uniqueArray(fc.tuple(fc.constantFrom('k', 'l', '', 'é"'), textOf(type.map.value)), {
          selector: ([key]) => key,
          maxLength: 3,
        })
        .map(entries => `{${entries.map(([key, text]) => `${quoted(key)}:${text}`).join(',')}}`)
    return members(type.struct)
  }
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(type)
  if (decimal) return fc.integer({ min: -9_999_999, max: 9_999_999 }).map(cents => String(cents / 100))
  switch (type) {
    case 'boolean':
      return fc.constantFrom('true', 'false', '"true"', '1', '"0"')
    case 'int':
      return fc.oneof(fc.integer().map(String), fc.constantFrom('3.0', '"4"', '-2147483648'))
    case 'long':
      return fc.oneof(whole, whole.map(quoted))
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => String(Object.is(value, -0) ? 0 : value))
    case 'string':
      return fc.oneof({ arbitrary: texts.map(quoted), weight: 20 }, { arbitrary: whole, weight: 1 })
    case 'uuid':
      return fc.uuid().map(quoted)
    case 'binary':
      return fc.uint8Array({ maxLength: 5 }).map(bytes => quoted(Buffer.from(bytes).toString('base64')))
    case 'date':
      return instants.map(at => quoted(at.slice(0, 10)))
    case 'time':
      return instants.map(at => quoted(at.slice(11, 23)))
    case 'timestamp':
      return instants.map(at => quoted(at.slice(0, 23)))
    default:
      return fc
        .tuple(instants, fc.constantFrom('Z', '+02:00', '-05:30', ''))
        .map(([at, zone]) => quoted(at.slice(0, 23) + zone))
  }
}

const instants = fc
  .date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
  .map(date => date.toISOString())

function members(columns: Readonly<Record<string, ColumnSpec>>): fc.Arbitrary<string> {
  const entries = Object.entries(columns).map(([name, spec]) =>
    fc.option(textOf(typeOf(spec)), { freq: 12 }).map(text => (text === null ? [] : [`${quoted(name)}:${text}`])),
  )
  return fc.tuple(...entries).map(parts => `{${parts.flat().join(',')}}`)
}

const typeOf = (spec: ColumnSpec): TypeSpec => (typeof spec === 'object' && 'type' in spec ? spec.type : spec)

const cases = fc
  .record({ id: types, a: types, B: types, required: fc.boolean(), default: fc.boolean(), rename: fc.boolean() })
  .chain(({ id, a, B, ...options }) => {
    const columns: Record<string, ColumnSpec> = {
      id: { type: id, required: options.required },
      a: { type: a, ...(options.default && a === 'string' ? { default: 'none' } : {}) },
      B: { type: B, ...(options.rename ? { from: 'old_b' } : {}) },
    }
    return fc.record({
      dataset: fc.constant(
        defineDataset({ name: 'd', source: { system: 's', format: 'ndjson', match: '*' }, columns }),
      ),
      lines: fc.array(members(columns), { minLength: 1, maxLength: 8 }),
      end: fc.constantFrom('\n', '\r\n', '\n\n'),
    })
  })

/** What a user can see; which of the two ways was taken, the user cannot. */
function seen({ table, refusals, applied, reasons }: Decoded) {
  return { table, refusals, applied, reasons }
}

async function agree(dataset: Dataset, bytes: string): Promise<boolean> {
  return inSession(async (session, folder) => {
    const both = { session, folder }
    const strict = await decodedIn(both, dataset, { bytes, decoder: decodeJson })
    const scanned = await decodedIn(both, dataset, { bytes, decoder: scanJsonRecords })
    expect(seen(strict)).toEqual(seen(scanned))
    return strict.refused.length === 0
  })
}

test('any records under any contract', async () => {
  let strictly = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ dataset, lines, end }) => {
      if (await agree(dataset, lines.join(end) + end)) strictly++
    }),
    { numRuns: 150, seed: 20260101 },
  )
  expect(strictly).toBeGreaterThan(20)
})

const lean = defineDataset({
  name: 'lean',
  source: { system: 's', format: 'ndjson', match: '*' },
  columns: { i: 'long', s: 'string', m: { map: { key: 'string', value: 'string' } }, d: 'decimal(9,2)', f: 'double' },
})

describe('what DuckDB forgives or rewrites goes to the scanner', () => {
  test.each([
    '{"s":0.12345678901234567}',
    '{"s":NaN}',
    '{"s":-Infinity}',
    '{"m":{"x":1,"x":2}}',
    '{"i":1,}',
    '{"m":{"x":"1",}}',
    '{"i":9007199254740993.0}',
    '{"i":null}',
    'null',
    '{}',
    '{"f":NaN}',
    '{"f":1e400}',
    `{"s":${'['.repeat(100)}${']'.repeat(100)}}`,
  ])('%s', async line => expect(await agree(lean, `{"i":1}\n${line}\n`)).toBe(false))
})

describe('and what only looks like it does not', () => {
  test.each([
    '{"s":"[deleted]"}',
    '{"s":"NaN and more"}',
    '{"s":"12"}',
    '{"s":"1.2.3"}',
    '{"s":12345678901234567890}',
    '{"s":true}',
    '{"m":{"x":"a","y":null}}',
    '{"i":3.0}',
    '{"d":1.10,"f":1.5e3}',
    '{"s":"a\\u0000b"}',
  ])('%s', async line => expect(await agree(lean, `{"i":1}\n${line}\n`)).toBe(true))
})

describe('what becomes text is the same text either way', () => {
  test.each([
    '{"s":1.10}',
    '{"s":1E2}',
    '{"s":1e400}',
    '{"s":true}',
    '{"s":12345678901234567890123}',
    '{"m":{"x":1.10}}',
    '{"m":{"x":{"y": 1}}}',
    '{"s":"[INFO] no JSON"}',
    '{"s":[1, 2]}',
    '{"s":{"a": 1}}',
  ])('%s', async line => expect(await agree(lean, `{"i":1}\n${line}\n`)).toBe(true))
})
