import { LakeError } from '../errors.ts'
import type { IcebergType, PrimitiveType } from './types.ts'

/** A primitive type taken apart, so that code switches on `kind` and never on text. */
export type Primitive =
  | {
      readonly kind:
        | 'boolean'
        | 'int'
        | 'long'
        | 'float'
        | 'double'
        | 'date'
        | 'time'
        | 'timestamp'
        | 'timestamptz'
        | 'string'
        | 'uuid'
        | 'binary'
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'fixed'; readonly length: number }

const PLAIN: ReadonlySet<string> = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
])

/** Types of format version 3 (variant, geometry, timestamp_ns …) are refused rather than guessed. */
export function parsePrimitive(type: PrimitiveType): Primitive {
  if (PLAIN.has(type)) return { kind: type } as Primitive
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type)
  if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  const fixed = /^fixed\[\s*(\d+)\s*\]$/.exec(type)
  if (fixed) return { kind: 'fixed', length: Number(fixed[1]) }
  throw new LakeError('unsupported', `the Iceberg type ${type} is not one of format version 2`, { type })
}

export const isPrimitive = (type: IcebergType): type is PrimitiveType => typeof type === 'string'

/** The fewest bytes that hold any unscaled value of this precision in two's complement (spec, appendix A). */
export function decimalBytes(precision: number): number {
  let bytes = 1
  while (1n << BigInt(8 * bytes - 1) < 10n ** BigInt(precision)) bytes++
  return bytes
}
