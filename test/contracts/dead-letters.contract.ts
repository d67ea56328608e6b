/** What every DeadLetters adapter promises: letters stay until they are removed, and nobody else gets one while it is held. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeadLetters } from '#lake/lake.ts'
import { kindOf } from './storage.contract.ts'

export interface DeadLettersUnderTest {
  readonly deadLetters: DeadLetters
  /** Bodies become letters of the queue of dead letters `work`. */
  lose(bodies: readonly string[]): Promise<void>
  /** Bodies that came into the queue `work`. */
  sent(): Promise<readonly string[]>
  pass(seconds: number): Promise<void>
  dispose(): Promise<void>
}

const bodies = (letters: readonly { readonly body: string }[]) => letters.map(letter => letter.body).toSorted()

export function deadLettersContract(name: string, make: () => Promise<DeadLettersUnderTest>): void {
  describe(`dead letters contract: ${name}`, () => {
    let under: DeadLettersUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(() => under.dispose())
    const take = (lettersMax: number, holdSeconds = 60) => under.deadLetters.take('work', { lettersMax, holdSeconds })

    test('letters are held, released, held again with another count, and removed', async () => {
      await under.lose(['{"n":1}', '{"n":2}', '{"n":3 ☃}'])
      expect((await under.deadLetters.queues()).find(queue => queue.name === 'work')?.letters).toBe(3)
      const first = await take(100)
      expect(bodies(first)).toEqual(['{"n":1}', '{"n":2}', '{"n":3 ☃}'])
      expect(new Set(first.map(letter => letter.id)).size).toBe(3)
      for (const letter of first) expect(letter).toMatchObject({ queue: 'work', received: 1 })
      expect(await take(100)).toEqual([])

      await under.deadLetters.release(first)
      const second = await take(100)
      expect(second.map(letter => letter.id).toSorted()).toEqual(first.map(letter => letter.id).toSorted())
      for (const letter of second) expect(letter.received).toBe(2)
      await under.deadLetters.remove(second)
      await under.deadLetters.remove(second)
      await under.pass(61)
      expect(await take(100)).toEqual([])
    })

    test('messages of the queue that is worked on are counted where they can be', async () => {
      const waiting = await under.deadLetters.waiting('work')
      expect(waiting === undefined || waiting >= 0).toBe(true)
    })

    test('no more are taken than are asked for, and those whose time is up come back', async () => {
      await under.lose(Array.from({ length: 23 }, (_, at) => `letter ${at}`))
      const some = await take(12, 8)
      expect(some).toHaveLength(12)
      const rest = await take(100, 60)
      expect(bodies([...some, ...rest])).toEqual(Array.from({ length: 23 }, (_, at) => `letter ${at}`).toSorted())
      await under.pass(9)
      const again = await take(100)
      expect(bodies(again)).toEqual(bodies(some))
      await under.deadLetters.remove([...again, ...rest])
    })

    test('a receipt whose time is up releases nothing that somebody else holds by now', async () => {
      await under.lose(['one'])
      const [mine] = await take(1, 1)
      await under.pass(2)
      const theirs = await take(1, 60)
      expect(theirs).toHaveLength(1)
      await under.deadLetters.release([mine!]).catch(() => undefined)
      await under.deadLetters.remove(theirs)
      expect(await take(1)).toEqual([])
    })

    test('a message goes into the queue that is worked on; there is not one of every name', async () => {
      await under.deadLetters.send('work', '{"again":true}')
      expect(await under.sent()).toEqual(['{"again":true}'])
      expect(await kindOf(under.deadLetters.send('other', 'x'))).toBe('unsupported')
    })

    test('a queue without letters gives none', async () => {
      expect(await take(10)).toEqual([])
    })
  })
}
