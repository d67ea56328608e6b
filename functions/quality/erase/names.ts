import { manifestUri, readDocument } from '#lake/batch.ts'
import { doomedUri } from '#lake/erasure.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { destroy } from './destroy.ts'
import { type EraseRequest, isNamed, unnamed } from './request.ts'

/**
 * A producer may have called a file after a person. Where it lay is told by documents, for as long as the lake remembers the object; there, another
 * name takes its place. What an erasure keeps, and what waits in the stream, is looked through by others.
 */
export async function searchNames(lake: Lake, request: EraseRequest): Promise<readonly Uri[]> {
  const hits: Uri[] = []
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/`)) {
    if (!uri.endsWith('.json') || isElsewhere(lake, uri)) continue
    const text = Buffer.from(await lake.storage.get(uri)).toString('utf8')
    // Most documents are told by their bytes.
    if (!isNamed(request, text)) continue
    if (renamed(lake, request, text) !== undefined) hits.push(uri)
  }
  return hits
}

const isElsewhere = (lake: Lake, uri: Uri): boolean =>
  ['erasures', 'stream', 'dead-letters'].some(folder => uri.startsWith(`${lake.zones.ops}/${folder}/`))

/** Writes the documents anew and destroys their older versions: those of a run that died as well, which are on a list for that. */
export async function eraseNames(lake: Lake, request: EraseRequest, uris: readonly Uri[]): Promise<void> {
  const list = doomedUri(lake, `${request.dataset.name}.names`)
  const earlier = (await readDocument<readonly Uri[]>(lake, list)) ?? []
  const all = new Set([...earlier, ...uris])
  if (all.size === 0) return
  await lake.storage.put(list, Buffer.from(JSON.stringify([...all])))
  for (const uri of uris) {
    const text = Buffer.from(await lake.storage.get(uri)).toString('utf8')
    const written = renamed(lake, request, text)
    if (written !== undefined) await lake.storage.put(uri, Buffer.from(written), { contentType: 'application/json' })
  }
  for (const uri of all) await lake.storage.purge(uri)
  await destroy(lake, list)
}

/** The document with other landing keys; undefined when it names none that quotes the values. */
function renamed(lake: Lake, request: EraseRequest, text: string): string | undefined {
  let found = false
  const document: unknown = JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(`${lake.zones.landing}/`) || !isNamed(request, value))
      return value
    found = true
    return unnamed(request, value)
  })
  return found ? JSON.stringify(document) : undefined
}

/** The batches of a dataset whose manifests are among these: what they have staged tells the name in lanes and lineage. */
export const batchesAmong = (lake: Lake, dataset: string, uris: readonly Uri[]): readonly string[] =>
  uris.flatMap(uri => {
    const batch = uri.split('/').at(-2) ?? ''
    return uri === manifestUri(lake, dataset, batch) ? [batch] : []
  })
