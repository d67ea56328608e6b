// Contract: the memory storage fails where a test says so: before an effect nothing has happened, after it the answer is lost,
// and a race is lost to whoever writes in between.
import { expect, test } from 'vitest'
import { memoryStorage, type StorageMoment } from '#lake/disk/memory-storage.ts'
import { LakeError } from '#lake/errors.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

const clock = { nowMs: () => 5 }
const lost = new LakeError('unavailable', 'lost')
const URI = 's3://b/x'

test('a fault before a write leaves nothing, one after it leaves the object', async () => {
  let moment: StorageMoment | undefined
  const storage = memoryStorage({
    clock,
    faults: now => {
      if (now === moment) throw lost
    },
  })
  moment = 'before put'
  expect(await kindOf(storage.put(URI, Buffer.from('1')))).toBe('unavailable')
  moment = undefined
  expect(await storage.head(URI)).toBeUndefined()
  moment = 'after put'
  expect(await kindOf(storage.put(URI, Buffer.from('2')))).toBe('unavailable')
  moment = undefined
  expect(Buffer.from(await storage.get(URI)).toString()).toBe('2')
})

test('a rival who writes before a create-only write wins it', async () => {
  let rival = true
  const storage = memoryStorage({
    clock,
    faults: async (now, uri) => {
      if (now !== 'before put' || !rival) return
      rival = false
      await storage.put(uri, Buffer.from('rival'))
    },
  })
  expect(await kindOf(storage.put(URI, Buffer.from('mine'), { ifNoneMatch: true }))).toBe('already-exists')
  expect(Buffer.from(await storage.get(URI)).toString()).toBe('rival')
})

test('every operation has its moments', async () => {
  const moments: string[] = []
  const storage = memoryStorage({ clock, faults: (now, uri) => void moments.push(`${now} ${uri.slice(7)}`) })
  await storage.put(URI, Buffer.from('1'))
  await storage.copy(URI, 's3://b/y')
  await storage.head(URI)
  await storage.get(URI)
  for await (const _found of storage.list('s3://b/')) void _found
  await storage.delete(URI)
  const operations = ['put x', 'copy y', 'head x', 'get x', 'list ', 'delete x']
  expect(moments).toEqual(operations.flatMap(one => [`before ${one}`, `after ${one}`]))
})

test('old versions stay readable after an overwrite and a delete', async () => {
  const storage = memoryStorage({ clock })
  const { version } = await storage.put(URI, Buffer.from('old'))
  await storage.put(URI, Buffer.from('new'))
  await storage.delete(URI)
  expect(Buffer.from(await storage.get(URI, { version })).toString()).toBe('old')
  expect(await storage.head(URI)).toBeUndefined()
})
