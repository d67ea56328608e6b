import { LakeError } from '../errors.ts'
import type { Clock, Ids, ObjectInfo, Storage, Stream, Uri } from '../lake.ts'
import { checkPut } from '../stream.ts'

/** What a stream may do to whoever puts: refuse single records of a call, or the whole of it. */
export interface StreamFaults {
  /** The code by which a record of the call is refused. */
  readonly refuse?: (record: number, call: number) => string | undefined
  readonly call?: (call: number) => Promise<void> | void
}

/** The records of one call that wait to be delivered. */
export interface WaitingPut {
  readonly uri: Uri
  readonly putMs: number
  readonly bytes: number
}

/** As Firehose gives them to its transformation. */
export interface HeldRecord {
  readonly recordId: string
  readonly approximateArrivalTimestamp: number
  readonly data: string
}

/** A delivery stream in a folder or in memory. What it takes is an object before the call is answered: who dies after that loses nothing. */
export interface LocalStream extends Stream {
  /** Where deliveries write down what they are about. */
  readonly base: Uri
  /** Oldest first. */
  waiting(): Promise<readonly WaitingPut[]>
  /** undefined once they are delivered. */
  read(put: Uri): Promise<readonly HeldRecord[] | undefined>
  forget(put: Uri): Promise<void>
}

export interface LocalStreamOptions {
  readonly storage: Storage
  readonly clock: Pick<Clock, 'nowMs'>
  readonly ids: Pick<Ids, 'uuid'>
  readonly base: Uri
  readonly faults?: StreamFaults
}

const TIME_DIGITS = 15

export function localStream({ storage, clock, ids, base, faults = {} }: LocalStreamOptions): LocalStream {
  const folder = `${base}/put/`
  let calls = 0
  return {
    base,
    put: async records => {
      checkPut(records)
      const call = ++calls
      await faults.call?.(call)
      const refused = records.map((_record, at) => faults.refuse?.(at, call))
      const taken = records.filter((_record, at) => refused[at] === undefined)
      if (taken.length === 0) return refused
      const nowMs = clock.nowMs()
      const id = `${String(nowMs).padStart(TIME_DIGITS, '0')}-${ids.uuid()}`
      await storage.put(`${folder}${id}.json`, Buffer.from(JSON.stringify(held(taken, id, nowMs))), {
        ifNoneMatch: true,
        contentType: 'application/json',
      })
      return refused
    },
    waiting: async () => {
      const found: WaitingPut[] = []
      for await (const object of storage.list(folder)) found.push(waitingOf(object, folder))
      return found
    },
    read: async put => {
      try {
        // A parse border: what stands there is what `put` wrote.
        return JSON.parse(Buffer.from(await storage.get(put)).toString('utf8')) as readonly HeldRecord[]
      } catch (error) {
        if (error instanceof LakeError && error.kind === 'not-found') return undefined
        throw error
      }
    },
    forget: put => storage.delete(put),
  }
}

const held = (records: readonly Uint8Array[], id: string, nowMs: number): readonly HeldRecord[] =>
  records.map((record, at) => ({
    recordId: `${id}-${at}`,
    approximateArrivalTimestamp: nowMs,
    data: Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('base64'),
  }))

const waitingOf = ({ uri, bytes }: ObjectInfo, folder: Uri): WaitingPut => ({
  uri,
  putMs: Number(uri.slice(folder.length, folder.length + TIME_DIGITS)),
  bytes,
})
