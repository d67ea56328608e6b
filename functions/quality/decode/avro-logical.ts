/** Two's complement, big endian (Avro spec, "Decimal"). */
export function decimalText(bytes: Buffer, scale: number): string {
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`))
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const SECONDS_A_DAY = 86_400n
/** Units of a second, and what stands behind the text. */
const CLOCKS: Readonly<Record<string, { readonly unit: bigint; readonly digits: number; readonly zone: string }>> = {
  'timestamp-millis': { unit: 1_000n, digits: 3, zone: 'Z' },
  'timestamp-micros': { unit: 1_000_000n, digits: 6, zone: 'Z' },
  'timestamp-nanos': { unit: 1_000_000_000n, digits: 9, zone: 'Z' },
  'local-timestamp-millis': { unit: 1_000n, digits: 3, zone: '' },
  'local-timestamp-micros': { unit: 1_000_000n, digits: 6, zone: '' },
  'local-timestamp-nanos': { unit: 1_000_000_000n, digits: 9, zone: '' },
  'time-millis': { unit: 1_000n, digits: 3, zone: '' },
  'time-micros': { unit: 1_000_000n, digits: 6, zone: '' },
}

/** ISO 8601 of a date, time or instant; undefined for other logical types, and for years that ISO 8601 has no four digits for. */
export function temporalText(logicalType: string, value: bigint): string | undefined {
  if (logicalType === 'date') return isoSeconds(value * SECONDS_A_DAY)?.slice(0, 10)
  const clock = CLOCKS[logicalType]
  if (clock === undefined) return undefined
  const rest = ((value % clock.unit) + clock.unit) % clock.unit
  const seconds = isoSeconds((value - rest) / clock.unit)
  if (seconds === undefined) return undefined
  const text = `${seconds}.${rest.toString().padStart(clock.digits, '0')}${clock.zone}`
  return logicalType.startsWith('time-') ? text.slice(11) : text
}

function isoSeconds(seconds: bigint): string | undefined {
  // From year 0000 to 9999.
  if (seconds < -62_167_219_200n || seconds > 253_402_300_799n) return undefined
  return new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)
}
