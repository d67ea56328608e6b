import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** SHA-256 of a file's bytes in lower-case hex, read in pieces: memory does not grow with the file. */
export async function sha256File(path: string): Promise<string> {
  const handle = await open(path, 'r')
  try {
    return await sha256Handle(handle)
  } finally {
    await handle.close()
  }
}

export async function sha256Handle(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(1 << 20)
  let position = 0
  while (true) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}
