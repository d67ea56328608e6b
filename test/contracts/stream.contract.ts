/** What every Stream adapter promises to those who put; delivering is the business of whoever stands behind it. */
import { afterEach, describe, expect, test } from 'vitest'
import { isLakeError } from '#lake/errors.ts'
import type { Stream } from '#lake/lake.ts'
import { kindOf } from './storage.contract.ts'

export interface StreamUnderTest {
  readonly stream: Stream
  /** The bytes that were taken, in any order. */
  taken(): Promise<readonly Buffer[]>
  dispose(): Promise<void>
}

export interface StreamWishes {
  /** The code by which a record of a call, both from 0, is refused. */
  readonly refuse?: (record: number) => string | undefined
  /** Calls are answered by an error of this kind. */
  readonly failure?: 'throttled' | 'not-found'
}

export function streamContract(name: string, make: (wishes: StreamWishes) => Promise<StreamUnderTest>): void {
  describe(`stream contract: ${name}`, () => {
    let under: StreamUnderTest
    const use = async (wishes: StreamWishes = {}): Promise<StreamUnderTest> => {
      under = await make(wishes)
      return under
    }
    afterEach(() => under.dispose())

    test('every record is taken byte for byte, whatever it holds', async () => {
      const { stream, taken } = await use()
      const records = [
        Buffer.from('{"id":1}\n'),
        Buffer.from([0, 255, 10, 13]),
        Buffer.from('é ☃'),
        Buffer.from('{"id":1}\n'),
      ]
      expect(await stream.put(records)).toEqual([undefined, undefined, undefined, undefined])
      expect(sorted(await taken())).toEqual(sorted(records))
    })

    test('what the quotas allow is taken: 500 records, 1,000 KiB in one, 4 MiB in all', async () => {
      const { stream, taken } = await use()
      await stream.put(Array.from({ length: 500 }, () => Buffer.from('x')))
      const large = Buffer.alloc(1_024_000, 'x')
      await stream.put([large, large, large, large, Buffer.alloc(4_194_304 - 4_096_000, 'x')])
      expect((await taken()).reduce((sum, each) => sum + each.length, 0)).toBe(500 + 4_194_304)
    })

    test.each([
      ['no records', []],
      ['an empty record', [Buffer.from('x'), Buffer.alloc(0)]],
      ['501 records', Array.from({ length: 501 }, () => Buffer.from('x'))],
      ['a record of 1,000 KiB and a byte', [Buffer.alloc(1_024_001)]],
      ['a byte more than 4 MiB', [...Array.from({ length: 4 }, () => Buffer.alloc(1_024_000)), Buffer.alloc(98_305)]],
    ])('%s: a usage error, and nothing is put', async (_what, records) => {
      const { stream, taken } = await use()
      expect(await kindOf(stream.put(records))).toBe('usage')
      expect(await taken()).toEqual([])
    })

    test('a call may take some of its records only: it says which it did not', async () => {
      const refuse = (record: number) => (record % 3 === 1 ? 'ServiceUnavailableException' : undefined)
      const { stream, taken } = await use({ refuse })
      const records = Array.from({ length: 7 }, (_, at) => Buffer.from(`record ${at}`))
      const codes = await stream.put(records)
      expect(codes.map((code, at) => (code === undefined ? undefined : at)).filter(at => at !== undefined)).toEqual([
        1, 4,
      ])
      expect(codes[1]).toBe('ServiceUnavailableException')
      expect(sorted(await taken())).toEqual(sorted(records.filter((_record, at) => at % 3 !== 1)))
    })

    test('or none', async () => {
      const { stream, taken } = await use({ refuse: () => 'InternalFailure' })
      expect(await stream.put([Buffer.from('a')])).toEqual(['InternalFailure'])
      expect(await taken()).toEqual([])
    })

    test.each([
      ['throttled', true],
      ['not-found', false],
    ] as const)('a call that failed as a whole: %s', async (failure, retryable) => {
      const { stream, taken } = await use({ failure })
      const error = await stream.put([Buffer.from('a')]).catch((thrown: unknown) => thrown)
      expect(isLakeError(error, failure) && error.retryable).toBe(retryable)
      expect(await taken()).toEqual([])
    })
  })
}

const sorted = (records: readonly Uint8Array[]): readonly string[] =>
  records.map(record => Buffer.from(record).toString('hex')).toSorted()
