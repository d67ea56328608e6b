/** What every Storage adapter promises of destroying versions, whether it keeps any or not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Storage, Uri } from '#lake/lake.ts'
import type { StorageUnderTest } from './storage.contract.ts'

const text = (value: string): Uint8Array => Buffer.from(value)
const show = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

export function purgeContract(name: string, make: () => Promise<StorageUnderTest>): void {
  describe(`purge contract: ${name}`, () => {
    let under: StorageUnderTest
    let storage: Storage
    const uri = (key: string): Uri => `${under.base}/${key}`
    beforeAll(async () => {
      under = await make()
      storage = under.storage
    })
    afterAll(() => under.dispose())

    test('a purge leaves the current version alone, and of a deleted object nothing', async () => {
      const [kept, gone, neighbour] = [uri('purge/a'), uri('purge/b'), uri('purge/ab')]
      const first = await storage.put(kept, text('old'))
      const second = await storage.put(kept, text('new'))
      const lost = await storage.put(gone, text('gone'))
      const other = await storage.put(neighbour, text('other'))
      await storage.put(neighbour, text('newer'))
      await storage.delete(gone)
      for (const each of [kept, kept, gone, gone, uri('purge/never')]) await storage.purge(each)
      expect(show(await storage.get(kept))).toBe('new')
      expect(await storage.head(kept, { version: second.version })).toBeDefined()
      if (first.version !== second.version) expect(await storage.head(kept, { version: first.version })).toBeUndefined()
      expect(await storage.head(gone)).toBeUndefined()
      // Without versions there is one of no name, which every object has.
      if (first.version !== second.version) expect(await storage.head(gone, { version: lost.version })).toBeUndefined()
      expect(show(await storage.get(neighbour))).toBe('newer')
      expect(other.bytes).toBe(5)
      const left: string[] = []
      for await (const { uri: found } of storage.list(uri('purge/'))) left.push(found)
      expect(left).toEqual([kept, neighbour])
    })
  })
}
