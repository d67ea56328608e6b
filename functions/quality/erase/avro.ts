import { type FileHandle, open } from 'node:fs/promises'
import { deflateRawSync } from 'node:zlib'
import type { Dataset } from '#lake/dataset.ts'
import { AvroContainer } from '../decode/avro-container.ts'
import { AvroInput } from '../decode/avro-input.ts'
import { avroToJson } from '../decode/avro-json.ts'
import { ByteWriter } from '../decode/byte-writer.ts'

export interface AvroRewrite {
  readonly source: string
  readonly target: string
  readonly ordinals: ReadonlySet<number>
  readonly limits: Dataset['limits']
}

/** Writes a container file again, record for record: in the place of each that is to go stands one of nothing but zeros. */
export async function avroWithout({ source, target, ordinals, limits }: AvroRewrite): Promise<void> {
  const container = await AvroContainer.open(source, limits)
  const out = await open(target, 'w')
  try {
    await out.write(container.header)
    const neutral = zeroOf(container.schema)
    const skip = avroToJson(container.schema)
    let ordinal = 0
    for await (const { records, bytes } of container.blocks()) {
      const kept: Buffer[] = []
      const input = new AvroInput(bytes)
      for (let record = 0; record < records; record++) {
        const start = input.at
        skip(input, new ByteWriter(), 0)
        ordinal++
        kept.push(ordinals.has(ordinal) ? neutral : bytes.subarray(start, input.at))
      }
      await writeBlock(out, container, { records, data: Buffer.concat(kept) })
    }
  } finally {
    await out.close()
    await container.close()
  }
}

async function writeBlock(
  out: FileHandle,
  { codec, sync }: Pick<AvroContainer, 'codec' | 'sync'>,
  block: { readonly records: number; readonly data: Buffer },
): Promise<void> {
  const data = codec === 'deflate' ? deflateRawSync(block.data) : block.data
  await out.write(Buffer.concat([long(block.records), long(data.length), data, sync]))
}

/** Zig-zag, then seven bits a byte (Avro spec, "Binary Encoding"); counts are never negative here. */
function long(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value) * 2n
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

type AvroSchema = string | readonly AvroSchema[] | AvroNode
interface AvroNode {
  readonly type: AvroSchema
  readonly name?: string
  readonly namespace?: string
  readonly fields?: readonly { readonly type: AvroSchema }[]
  readonly size?: number
}

/** The binary form of a value that says nothing: zeros, empty text and lists, the first symbol, null where a union has it. */
export function zeroOf(schema: string): Buffer {
  return zero(JSON.parse(schema) as AvroSchema, { names: new Map(), namespace: '' })
}

interface Scope {
  readonly names: Map<string, AvroNode>
  readonly namespace: string
}

function zero(schema: AvroSchema, scope: Scope): Buffer {
  if (typeof schema === 'string') return zeroOfName(schema, scope)
  if (isUnion(schema)) {
    const branch = Math.max(0, schema.indexOf('null'))
    return Buffer.concat([long(branch), zero(schema[branch] as AvroSchema, scope)])
  }
  if (typeof schema.type !== 'string') return zero(schema.type, scope)
  const inner = declared(schema, scope)
  switch (schema.type) {
    case 'record':
    case 'error':
      return Buffer.concat((schema.fields ?? []).map(field => zero(field.type, inner)))
    case 'fixed':
      return Buffer.alloc(schema.size ?? 0)
    // The first symbol, no items.
    case 'enum':
    case 'array':
    case 'map':
      return long(0)
    default:
      return zeroOfName(schema.type, scope)
  }
}

const isUnion = (schema: AvroSchema): schema is readonly AvroSchema[] => Array.isArray(schema)

function declared(schema: AvroNode, scope: Scope): Scope {
  if (schema.name === undefined) return scope
  const namespace =
    schema.namespace ?? (schema.name.includes('.') ? schema.name.replace(/\.[^.]*$/, '') : scope.namespace)
  const short = schema.name.slice(schema.name.lastIndexOf('.') + 1)
  scope.names.set(namespace === '' ? short : `${namespace}.${short}`, schema)
  return { ...scope, namespace }
}

function zeroOfName(name: string, scope: Scope): Buffer {
  switch (name) {
    case 'null':
      return Buffer.alloc(0)
    case 'float':
      return Buffer.alloc(4)
    case 'double':
      return Buffer.alloc(8)
    case 'boolean':
    case 'int':
    case 'long':
    case 'bytes':
    case 'string':
      return Buffer.alloc(1)
    default: {
      const known = scope.names.get(`${scope.namespace}.${name}`) ?? scope.names.get(name)
      return known === undefined ? Buffer.alloc(0) : zero(known, scope)
    }
  }
}
