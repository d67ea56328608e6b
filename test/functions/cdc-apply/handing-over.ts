import type { Dataset } from '#lake/dataset.ts'
import { people } from './applying.ts'

/** A dataset whose every batch goes to Athena. */
export function handed(spec: Parameters<typeof people>[0] = {}): Dataset {
  const dataset = people(spec)
  return { ...dataset, publish: { ...dataset.publish, mergeBytesMax: 0 } as Dataset['publish'] }
}
