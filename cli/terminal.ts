import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline/promises'
import type { WriteStream } from 'node:tty'

/** What a command sees of the process that it runs in. Tests give their own. */
export interface Terminal {
  readonly out: Output
  readonly err: Output
  /** What is piped in. */
  readonly input: AsyncIterable<Uint8Array>
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly threads: number
  readonly pid: number
  /** For commands that run until Ctrl-C aborts this; without the call Ctrl-C ends the process, as it ends any program. */
  untilStopped(): AbortSignal
  /** Asks who sits there; undefined when nobody does. */
  ask?(question: string): Promise<string | undefined>
}

export interface Output {
  /** Resolves when the text is taken: false when nobody reads any more, as after `| head`. */
  write(text: string): Promise<boolean>
  /** undefined when this is no terminal: then nothing is cut. */
  readonly columns: number | undefined
  readonly colour: boolean
}

/** A second Ctrl-C ends the process at once. Not within this time: a launcher passes on what the terminal has sent already. */
const SECOND_SIGNAL_MS = 1_000

export function processTerminal(): Terminal & { flush(): Promise<void> } {
  const [out, err] = [streamOutput(process.stdout, process.env), streamOutput(process.stderr, process.env)]
  return {
    out,
    err,
    input: process.stdin,
    cwd: process.cwd(),
    env: process.env,
    threads: availableParallelism(),
    pid: process.pid,
    untilStopped: stopSignal,
    ask: askTerminal,
    flush: async () => {
      await Promise.all([out.write(''), err.write('')])
    },
  }
}

async function askTerminal(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  const reader = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await reader.question(question)
  } finally {
    reader.close()
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController()
  let firstMs = 0
  const stop = (): void => {
    if (controller.signal.aborted && performance.now() - firstMs > SECOND_SIGNAL_MS) process.exit(130)
    firstMs ||= performance.now()
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return controller.signal
}

export function streamOutput(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Output {
  let broken: NodeJS.ErrnoException | undefined
  stream.on('error', error => {
    broken = error
  })
  const isTerminal = (stream as Partial<WriteStream>).isTTY === true
  const asked = Number(env['COLUMNS']) || undefined
  return {
    write: text =>
      new Promise((resolve, reject) => {
        const settle = (error: NodeJS.ErrnoException | null | undefined): void => {
          if (!error) resolve(true)
          else if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') resolve(false)
          else reject(error)
        }
        if (broken) settle(broken)
        else stream.write(text, settle)
      }),
    // A terminal that does not know its size says 0.
    columns: isTerminal ? stream.columns || asked || 80 : asked,
    // https://no-color.org: any value but the empty one.
    colour: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  }
}
