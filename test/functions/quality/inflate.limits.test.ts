// Compressed files are read in full or refused with the reason: never more bytes than the limits allow, never half a file in
// silence, whatever the name of the file says.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { inflate } from '#functions/quality/decode/inflate.ts'
import { isLakeError } from '#lake/errors.ts'

type InflateLimits = Parameters<typeof inflate>[2]

const LIMITS: InflateLimits = { expansionMax: 200, bytesMax: 100_000_000 }

/** The plain bytes, or the reason why there are none. */
async function inflated(bytes: Uint8Array, limits: Partial<InflateLimits> = {}): Promise<Buffer | string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-inflate-'))
  try {
    await writeFile(join(folder, 'x'), bytes)
    const { path, bytes: size } = await inflate(join(folder, 'x'), join(folder, 'y'), { ...LIMITS, ...limits })
    const plain = await readFile(path)
    expect(size).toBe(plain.length)
    return plain
  } catch (error) {
    if (isLakeError(error, 'file-unreadable')) return String(error.context['reason'])
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const text = Buffer.from('some text that is compressed\n'.repeat(5_000))

describe('in full', () => {
  test.each<[string, Buffer, Buffer]>([
    ['plain', text, text],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
    ['gzip', gzipSync(text), text],
    ['gzip of nothing', gzipSync(''), Buffer.alloc(0)],
    [
      'gzip of a thousand members',
      Buffer.concat(Array.from({ length: 1_000 }, () => gzipSync('x'))),
      Buffer.alloc(1_000, 'x'),
    ],
    ['gzip padded with zeros', Buffer.concat([gzipSync(text), Buffer.alloc(5_000)]), text],
    ['zstd', zstdCompressSync(text), text],
    [
      'zstd of several frames',
      Buffer.concat([zstdCompressSync(text), zstdCompressSync('b')]),
      Buffer.concat([text, Buffer.from('b')]),
    ],
    ['zstd padded with zeros', Buffer.concat([zstdCompressSync(text), Buffer.alloc(5_000)]), text],
  ])('%s', async (_name, bytes, plain) => expect(await inflated(bytes)).toEqual(plain))
})

describe('or refused', () => {
  const gzip = gzipSync(text)
  const zstd = zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  const flipped = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy.at(at) as number) ^ 1
    return copy
  }
  test.each<[string, string | readonly string[], Buffer]>([
    ['gzip cut in its data', 'truncated', gzip.subarray(0, gzip.length / 2)],
    ['gzip cut in its checksum', 'truncated', gzip.subarray(0, gzip.length - 2)],
    ['gzip cut in its header', 'truncated', gzip.subarray(0, 5)],
    ['a second member that is cut', 'truncated', Buffer.concat([gzip, gzip.subarray(0, 30)])],
    ['gzip with another checksum', 'checksum', flipped(gzip, gzip.length - 6)],
    ['gzip with another length', 'checksum', flipped(gzip, gzip.length - 2)],
    ['gzip with a flipped bit', ['corrupt', 'checksum', 'truncated'], flipped(gzip, 60)],
    ['gzip followed by something else', 'corrupt', Buffer.concat([gzip, Buffer.from('more')])],
    ['zstd followed by something else', 'trailing', Buffer.concat([zstd, Buffer.from('more')])],
    ['a second frame that is cut', 'truncated', Buffer.concat([zstd, zstd.subarray(0, zstd.length - 4)])],
    ['zstd cut', 'truncated', zstd.subarray(0, zstd.length - 4)],
    ['zstd with a flipped bit', ['corrupt', 'checksum', 'truncated'], flipped(zstd, 20)],
    ['gzip in gzip', 'format', gzipSync(gzip)],
    ['zstd in gzip', 'format', gzipSync(zstd)],
    ['zip', 'format', Buffer.from('504b030414000000', 'hex')],
    ['7z', 'format', Buffer.from('377abcaf271c0004', 'hex')],
    ['bzip2', 'format', Buffer.from('425a6839314159265359', 'hex')],
    ['xz', 'format', Buffer.from('fd377a585a000004', 'hex')],
    ['OpenPGP', 'format', Buffer.from('-----BEGIN PGP MESSAGE-----')],
  ])('%s', async (_name, reason, bytes) => {
    const outcome = await inflated(bytes)
    expect(typeof reason === 'string' ? [reason] : reason).toContain(outcome)
  })

  test('what has no magic number is taken as plain', async () => {
    for (const bytes of [brotliCompressSync(text), deflateRawSync(text), deflateSync(text)])
      expect(await inflated(bytes)).toEqual(bytes)
  })
})

describe('limits', () => {
  test('a ratio', async () => {
    expect(await inflated(gzipSync(Buffer.alloc(50_000_000)))).toBe('ratio')
    expect(await inflated(zstdCompressSync(Buffer.alloc(50_000_000)))).toBe('ratio')
    expect(await inflated(gzipSync(Buffer.alloc(1_000_000)))).toHaveLength(1_000_000)
  })
  test('over all members and frames together', async () => {
    const [member, frame] = [gzipSync(text), zstdCompressSync(text)]
    const bytesMax = text.length * 3 - 1
    expect(await inflated(Buffer.concat([member, member, member]), { bytesMax })).toBe('ratio')
    expect(await inflated(Buffer.concat([frame, frame, frame]), { bytesMax })).toBe('ratio')
  })
  test('bytes', async () => {
    expect(await inflated(gzipSync(text), { bytesMax: text.length - 1 })).toBe('ratio')
    expect(await inflated(gzipSync(text), { bytesMax: text.length })).toEqual(text)
  })
})
