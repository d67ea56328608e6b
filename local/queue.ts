import type { Clock } from '#lake/lake.ts'

export interface Message {
  readonly messageId: string
  readonly body: string
}

export interface QueueOptions {
  readonly clock: Clock
  /** A batch is handed over when it has this many messages, or when its first one has waited this long. */
  readonly batchMax: number
  readonly windowMs: number
  /** After so many deliveries a message is dead (SQS: maxReceiveCount). */
  readonly receiveMax: number
  /** Returns the ids of the messages to deliver again; throwing means all of them. */
  readonly handle: (messages: readonly Message[]) => Promise<readonly string[]>
  readonly dead: (message: Message, error: unknown) => Promise<void> | void
}

const RETRY_MS = 1_000

/** An SQS queue and its event source mapping, in one process: batches by size and age, partial failures, a dead letter. */
export class LocalQueue {
  readonly #options: QueueOptions
  #waiting: { readonly message: Message; readonly received: number }[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: QueueOptions) {
    this.#options = options
  }

  send(message: Message): void {
    this.#waiting.push({ message, received: 0 })
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is waiting or being handled. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Hands over nothing more; what is being handled is finished. */
  async close(): Promise<void> {
    this.#closed = true
    await this.idle()
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#closed) {
        if (this.#waiting.length < this.#options.batchMax) await this.#options.clock.sleep(this.#options.windowMs)
        const batch = this.#waiting.splice(0, this.#options.batchMax)
        await this.#deliver(batch)
      }
    } finally {
      this.#running = undefined
    }
  }

  async #deliver(batch: readonly { readonly message: Message; readonly received: number }[]): Promise<void> {
    const { failed, error } = await this.#handle(batch.map(each => each.message))
    const again = batch.filter(each => failed.has(each.message.messageId))
    for (const { message, received } of again) {
      if (received + 1 >= this.#options.receiveMax) await this.#options.dead(message, error)
      else this.#waiting.push({ message, received: received + 1 })
    }
    if (again.length > 0) await this.#options.clock.sleep(RETRY_MS)
  }

  async #handle(
    messages: readonly Message[],
  ): Promise<{ readonly failed: ReadonlySet<string>; readonly error?: unknown }> {
    try {
      return { failed: new Set(await this.#options.handle(messages)) }
    } catch (error) {
      return { failed: new Set(messages.map(message => message.messageId)), error }
    }
  }
}
