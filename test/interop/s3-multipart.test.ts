// Contract: what is too large for one request goes up, is copied and comes down in parts, whole and checked; a failed upload leaves no parts.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectTaggingCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Storage } from '#lake/aws/s3-storage.ts'
import { systemClock, systemIds } from '#lake/system.ts'
import { kindOf } from '../contracts/storage.contract.ts'
import { bucket, s3 } from './moto.ts'

const MIB = 1024 * 1024
const storage = s3Storage({
  client: s3,
  clock: systemClock,
  ids: systemIds,
  rangeBytes: MIB,
  partBytes: 5 * MIB,
  copyBytesMax: 5 * MIB,
})
const bytes = randomBytes(13 * MIB + 7)
const sha256 = createHash('sha256').update(bytes).digest('hex')
let base: string
let folder: string
let path: string

beforeAll(async () => {
  base = await bucket('multipart', { versioned: true })
  folder = await mkdtemp(join(tmpdir(), 'sluice-multipart-'))
  path = join(folder, 'large.bin')
  await writeFile(path, bytes)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const leftParts = async (): Promise<number> =>
  (await s3.send(new ListMultipartUploadsCommand({ Bucket: 'multipart' }))).Uploads?.length ?? 0

test('a large file goes up in parts and comes down by ranges', async () => {
  const written = await storage.upload(path, `${base}/up`, {
    sha256,
    ifNoneMatch: true,
    metadata: { who: 'ü' },
    tags: { zone: 'raw' },
  })
  expect(written.bytes).toBe(bytes.length)
  const staged = await storage.stage(`${base}/up`, join(folder, 'staged'), { sha256, version: written.version })
  expect((await readFile(staged.path)).equals(bytes)).toBe(true)
  expect((await storage.head(`${base}/up`))?.metadata).toEqual({ who: 'ü' })
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: 'multipart', Key: 'up' }))
  expect(TagSet).toEqual([{ Key: 'zone', Value: 'raw' }])
  expect(await leftParts()).toBe(0)
})

test('a large object is copied in parts, with the metadata given', async () => {
  const copied = await storage.copy(`${base}/up`, `${base}/copied`, { metadata: { new: '1' } })
  expect(copied.bytes).toBe(bytes.length)
  await storage.stage(`${base}/copied`, join(folder, 'copied'), { sha256 })
  expect((await storage.head(`${base}/copied`))?.metadata).toEqual({ new: '1' })
})

test('a lost create-only upload leaves no parts and the object as it was', async () => {
  await storage.put(`${base}/lost`, Buffer.from('first'))
  expect(await kindOf(storage.upload(path, `${base}/lost`, { sha256, ifNoneMatch: true }))).toBe('already-exists')
  expect(Buffer.from(await storage.get(`${base}/lost`)).toString()).toBe('first')
  expect(await leftParts()).toBe(0)
})

test('a file that is not the expected one is never completed and leaves no parts', async () => {
  const other = createHash('sha256').update('other').digest('hex')
  expect(await kindOf(storage.upload(path, `${base}/wrong`, { sha256: other }))).toBe('checksum')
  expect(await storage.head(`${base}/wrong`)).toBeUndefined()
  expect(await leftParts()).toBe(0)
})

test('a staged file that does not match is removed', async () => {
  const staged = join(folder, 'mismatch')
  expect(await kindOf(storage.stage(`${base}/up`, staged, { sha256: 'f'.repeat(64) }))).toBe('checksum')
  expect(await readdir(staged)).toEqual([])
})
