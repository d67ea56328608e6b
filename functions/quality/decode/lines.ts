import { ByteWindow } from './byte-window.ts'

const NEWLINE = 0x0a

/** A line by its bytes, without its end, which is a newline. */
export interface Line {
  readonly offset: number
  /** Good until the next line is asked for. */
  readonly bytes: Buffer
}

/** The lines of a file. Node's own reader also ends a line at U+2028 and U+2029, which JSON may hold as they are. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  const window = await ByteWindow.open(path)
  try {
    for (;;) {
      const end = window.bytes.indexOf(NEWLINE)
      if (end < 0 && !window.complete) {
        await window.more()
        continue
      }
      const bytes = window.bytes.subarray(0, end < 0 ? window.bytes.length : end)
      if (end < 0 && bytes.length === 0) return
      yield { offset: window.offset, bytes }
      window.advance(end < 0 ? bytes.length : end + 1)
    }
  } finally {
    await window.close()
  }
}
