import { readDocument } from '../batch.ts'
import { LakeError } from '../errors.ts'
import type { Clock, DeadLetter, DeadLetters, HeldLetter, Ids, Storage, Uri } from '../lake.ts'

/** Dead letters of local mode: documents in `ops/dead-letters/queues/<queue>/<id>.json`, held by a time and a receipt that stand in them. */
export interface LocalDeadLetters extends DeadLetters {
  /** Keeps what a queue of this process gave up on. The same letter again stays as it is. */
  keep(letter: Omit<DeadLetter, 'received'>): Promise<void>
  /** Who works on a queue in this process. Returns how to detach. */
  attach(queue: string, consumer: (body: string) => void): () => void
}

interface Stored extends DeadLetter {
  readonly receipt?: string | undefined
  readonly heldUntilMs?: number | undefined
}

interface World {
  readonly storage: Storage
  readonly ops: Uri
  readonly clock: Pick<Clock, 'nowMs'>
  readonly ids: Pick<Ids, 'uuid'>
}

/** One process at a time: two that take the same letter at the same moment both get it, as SQS allows. */
export function storedDeadLetters(world: World): LocalDeadLetters {
  const { storage } = world
  const consumers = new Map<string, (body: string) => void>()
  const folder = `${world.ops}/dead-letters/queues/`
  const uriOf = ({ queue, id }: Pick<DeadLetter, 'queue' | 'id'>): Uri => `${folder}${queue}/${id}.json`
  /** The document of a letter that is still held by this receipt. */
  const held = async (letter: HeldLetter): Promise<Stored | undefined> => {
    const stored = await read(world, uriOf(letter))
    return stored?.receipt === letter.receipt ? stored : undefined
  }
  return {
    queues: async () => {
      const counts = new Map<string, number>()
      for await (const stored of lettersBelow(world, folder))
        if (!isHeld(world, stored)) counts.set(stored.queue, (counts.get(stored.queue) ?? 0) + 1)
      return [...counts].map(([name, letters]) => ({ name, letters }))
    },
    take: async (queue, { lettersMax, holdSeconds }) => {
      const taken: HeldLetter[] = []
      for await (const stored of lettersBelow(world, `${folder}${queue}/`)) {
        if (isHeld(world, stored)) continue
        if (taken.length === lettersMax) break
        const receipt = world.ids.uuid()
        const letter = { ...stored, received: stored.received + 1, receipt }
        await write(storage, uriOf(letter), { ...letter, heldUntilMs: world.clock.nowMs() + holdSeconds * 1_000 })
        taken.push(withoutHold(letter))
      }
      return taken
    },
    release: async letters => {
      for (const letter of letters) {
        const stored = await held(letter)
        if (stored !== undefined)
          await write(storage, uriOf(letter), { ...stored, receipt: undefined, heldUntilMs: undefined })
      }
    },
    remove: async letters => {
      for (const letter of letters) await storage.delete(uriOf(letter))
    },
    send: async (queue, body) => {
      const consumer = consumers.get(queue)
      if (consumer === undefined)
        throw new LakeError('unsupported', `nothing works on the queue ${queue} in this process`, { queue })
      consumer(body)
    },
    waiting: async () => undefined,
    keep: async letter => {
      if ((await storage.head(uriOf(letter))) === undefined)
        await write(storage, uriOf(letter), { ...letter, received: 0 })
    },
    attach: (queue, consumer) => {
      consumers.set(queue, consumer)
      return () => consumers.delete(queue)
    },
  }
}

const isHeld = ({ clock }: World, { heldUntilMs }: Stored): boolean =>
  heldUntilMs !== undefined && heldUntilMs > clock.nowMs()

function withoutHold(letter: HeldLetter & Stored): HeldLetter {
  const { heldUntilMs: _, ...rest } = letter
  return rest
}

async function* lettersBelow(world: World, prefix: Uri): AsyncGenerator<Stored> {
  for await (const { uri } of world.storage.list(prefix)) {
    const stored = await read(world, uri)
    if (stored !== undefined) yield stored
  }
}

/** undefined when somebody removed it since it was listed. */
const read = ({ storage }: World, uri: Uri): Promise<Stored | undefined> => readDocument<Stored>({ storage }, uri)

async function write(storage: Storage, uri: Uri, letter: Stored): Promise<void> {
  await storage.put(uri, Buffer.from(JSON.stringify(letter)), { contentType: 'application/json' })
}
