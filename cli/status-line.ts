import { styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { cutText, printable } from './text-width.ts'

/** A line that says what is being done and is gone when it is done. Without a terminal there is none. */
export interface StatusLine {
  show(text: string): void
  /** Resolves when the line is free again. */
  clear(): Promise<void>
}

const BETWEEN_MS = 80

export function statusLine(output: Output): StatusLine {
  let last: Promise<unknown> = Promise.resolve()
  let shownMs = Number.NEGATIVE_INFINITY
  let isOpen = false
  const write = (text: string): void => {
    last = last.then(() => output.write(text))
  }
  return {
    show: text => {
      const nowMs = performance.now()
      // As often as an eye can follow: a listing tells of every file.
      if (!output.colour || nowMs - shownMs < BETWEEN_MS) return
      shownMs = nowMs
      isOpen = true
      write(`\r\x1b[2K${styleOf(output).dim(cutText(printable(text), (output.columns ?? 80) - 1))}`)
    },
    clear: async () => {
      if (isOpen) write('\r\x1b[2K')
      isOpen = false
      await last
    },
  }
}
