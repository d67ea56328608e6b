const INTEGER = /^[+-]?\d+$/
const DECIMAL = /^[+-]?(\d+)(?:\.(\d*?)0*)?$/
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const DAY = /^\d{4}-\d{2}-\d{2}$/
const BITS: Readonly<Record<string, number>> = { int: 32, long: 64 }

/**
 * The value as it is compared with those of a column; undefined where no value of that type is meant. The engine would round `4711.5` to a number that
 * is somebody else's, and find nothing by `abc`, which is no proof of anything.
 */
export function exactValue(type: string, given: string): string | undefined {
  const text = given.trim()
  if (type in BITS) return INTEGER.test(text) && isWithin(BigInt(text), type) ? String(BigInt(text)) : undefined
  if (type === 'uuid') return UUID.test(text) ? text : undefined
  if (type === 'date') return isDay(text) ? text : undefined
  if (type.startsWith('decimal')) return isDecimal(type, text) ? text : undefined
  return given
}

const isWithin = (value: bigint, type: string): boolean => BigInt.asIntN(BITS[type] as number, value) === value

function isDay(text: string): boolean {
  const time = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function isDecimal(type: string, text: string): boolean {
  const [precision = 0, scale = 0] = (type.match(/\d+/g) ?? []).map(Number)
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? []
  return whole !== undefined && fraction.length <= scale && whole.replace(/^0+/, '').length <= precision - scale
}
