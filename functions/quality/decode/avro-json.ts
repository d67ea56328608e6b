import { damaged } from './avro-container.ts'
import type { AvroInput } from './avro-input.ts'
import { decimalText, temporalText, uuidText } from './avro-logical.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Reads one value and writes it as JSON. */
export type AvroToJson = (input: AvroInput, out: ByteWriter, depth: number) => void

interface AvroType {
  readonly type: AvroSchema
  readonly name?: string
  readonly namespace?: string
  readonly fields?: readonly { readonly name: string; readonly type: AvroSchema }[]
  readonly items?: AvroSchema
  readonly values?: AvroSchema
  readonly symbols?: readonly string[]
  readonly size?: number
  readonly logicalType?: string
  readonly scale?: number
}
type AvroSchema = string | AvroType | readonly AvroSchema[]

interface Scope {
  readonly names: Map<string, { write: AvroToJson }>
  readonly namespace: string
}

const DEPTH_MAX = 64
/** Items of no bytes are legal, and a few bytes could claim 2^63 of them. */
const EMPTY_ITEMS_MAX = 100_000
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Compiles a schema (its JSON text) into a function that turns binary values into JSON text. 64-bit integers and decimals keep
 * every digit, dates and times are ISO 8601, bytes base64; NaN and infinities, which JSON has not, are strings that the contract
 * refuses. Errors: `file-unreadable`.
 */
export function avroToJson(schema: string): AvroToJson {
  try {
    return writer(JSON.parse(schema) as AvroSchema, { names: new Map(), namespace: '' })
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) throw damaged('its schema cannot be read', cause)
    throw cause
  }
}

function writer(schema: AvroSchema, scope: Scope): AvroToJson {
  if (typeof schema === 'string') return primitive(schema, {}, scope)
  if (Array.isArray(schema)) return union(schema, scope)
  const type = schema as AvroType
  if (typeof type.type !== 'string') return writer(type.type, scope)
  switch (type.type) {
    case 'record':
    case 'error':
      return named(type, scope, inner => record(type, inner))
    case 'enum':
      return named(type, scope, () => enumeration(type))
    case 'fixed':
      return named(type, scope, () => (input, out) => binary(input.take(type.size ?? 0), out, type))
    case 'array':
      return array(writer(type.items as AvroSchema, scope))
    case 'map':
      return map(writer(type.values as AvroSchema, scope))
    default:
      return primitive(type.type, type, scope)
  }
}

// --- Named types ---------------------------------------------------------------------------------------------------

/** A type may refer to itself, so its name is known before it is compiled (spec, "Names"). */
function named(type: AvroType, scope: Scope, compile: (inner: Scope) => AvroToJson): AvroToJson {
  const name = type.name ?? ''
  const dot = name.lastIndexOf('.')
  const namespace = dot < 0 ? (type.namespace ?? scope.namespace) : name.slice(0, dot)
  const place = { write: (() => undefined) as AvroToJson }
  scope.names.set(dot < 0 && namespace !== '' ? `${namespace}.${name}` : name, place)
  place.write = compile({ names: scope.names, namespace })
  return place.write
}

function reference(name: string, scope: Scope): AvroToJson {
  const place = scope.names.get(`${scope.namespace}.${name}`) ?? scope.names.get(name)
  if (place === undefined) throw damaged(`its schema names the type ${JSON.stringify(name)}, which it does not have`)
  return (input, out, depth) => place.write(input, out, depth)
}

function record(type: AvroType, scope: Scope): AvroToJson {
  const fields = (type.fields ?? []).map((field, index) => ({
    key: `${index > 0 ? ',' : ''}${JSON.stringify(field.name)}:`,
    write: writer(field.type, scope),
  }))
  return (input, out, depth) => {
    checkDepth(depth)
    out.byte(BRACE)
    for (const field of fields) {
      out.text(field.key)
      field.write(input, out, depth + 1)
    }
    out.byte(BRACE_END)
  }
}

function enumeration(type: AvroType): AvroToJson {
  const symbols = (type.symbols ?? []).map(symbol => JSON.stringify(symbol))
  return (input, out) => {
    const symbol = symbols[input.count()]
    if (symbol === undefined) throw damaged('an enum has no such symbol')
    out.text(symbol)
  }
}

// --- Unions and collections ----------------------------------------------------------------------------------------

function union(branches: readonly AvroSchema[], scope: Scope): AvroToJson {
  const writers = branches.map(branch => writer(branch, scope))
  return (input, out, depth) => {
    const write = writers[input.count()]
    if (write === undefined) throw damaged('a union has no such branch')
    write(input, out, depth)
  }
}

function array(item: AvroToJson): AvroToJson {
  return (input, out, depth) => {
    checkDepth(depth)
    out.byte(BRACKET)
    eachItem(input, index => {
      if (index > 0) out.byte(COMMA)
      item(input, out, depth + 1)
    })
    out.byte(BRACKET_END)
  }
}

function map(value: AvroToJson): AvroToJson {
  return (input, out, depth) => {
    checkDepth(depth)
    out.byte(BRACE)
    eachItem(input, index => {
      if (index > 0) out.byte(COMMA)
      text(input, out)
      out.byte(COLON)
      value(input, out, depth + 1)
    })
    out.byte(BRACE_END)
  }
}

/** Items come in blocks; a negative count is followed by the block's size in bytes. */
function eachItem(input: AvroInput, item: (index: number) => void): void {
  let index = 0
  for (let count = input.count(); count !== 0; count = input.count()) {
    if (count < 0) input.count()
    if (Math.abs(count) > input.left + EMPTY_ITEMS_MAX) throw damaged('a list claims more items than there are bytes')
    for (let left = Math.abs(count); left > 0; left--) item(index++)
  }
}

function checkDepth(depth: number): void {
  if (depth > DEPTH_MAX) throw damaged(`a value is nested more than ${DEPTH_MAX} levels deep`)
}

// --- Primitives ----------------------------------------------------------------------------------------------------

function primitive(name: string, attributes: Partial<AvroType>, scope: Scope): AvroToJson {
  switch (name) {
    case 'null':
      return (_input, out) => out.ascii('null')
    case 'boolean':
      return (input, out) => out.ascii(input.take(1)[0] === 1 ? 'true' : 'false')
    case 'int':
    case 'long':
      return (input, out) => out.ascii(integer(input.long(), attributes.logicalType))
    case 'float':
      return (input, out) => number(input.take(4).readFloatLE(0), out)
    case 'double':
      return (input, out) => number(input.take(8).readDoubleLE(0), out)
    case 'bytes':
      return (input, out) => binary(input.take(input.count()), out, attributes)
    case 'string':
      return text
    default:
      return reference(name, scope)
  }
}

function integer(value: number | bigint, logicalType: string | undefined): string {
  const temporal = logicalType === undefined ? undefined : temporalText(logicalType, BigInt(value))
  return temporal === undefined ? value.toString() : `"${temporal}"`
}

function number(value: number, out: ByteWriter): void {
  out.ascii(Number.isFinite(value) ? String(value) : `"${value}"`)
}

function binary(bytes: Buffer, out: ByteWriter, { logicalType, scale, size }: Partial<AvroType>): void {
  if (logicalType === 'decimal') out.ascii(decimalText(bytes, scale ?? 0))
  else if (logicalType === 'uuid' && size === 16) out.ascii(`"${uuidText(bytes)}"`)
  else out.ascii(`"${bytes.toString('base64')}"`)
}

/** Byte for byte, so that text that is no UTF-8 is found, and refused, where all JSON is looked at. */
function text(input: AvroInput, out: ByteWriter): void {
  const count = input.count()
  const start = input.skip(count)
  const { bytes } = input
  let run = start
  out.byte(QUOTE)
  for (let at = start; at < start + count; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) continue
    out.copy(bytes, run, at)
    out.ascii(`\\u${byte.toString(16).padStart(4, '0')}`)
    run = at + 1
  }
  out.copy(bytes, run, start + count)
  out.byte(QUOTE)
}
