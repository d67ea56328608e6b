import type { Dataset } from './dataset.ts'
import { LakeError } from './errors.ts'
import { compareSpecificity, globMatches, globsMeet } from './glob.ts'
import { isStreamBackup } from './stream.ts'

/** The dataset that a landing key belongs to: the one with the most specific matching glob, undefined when none matches. */
export type Router = (key: string) => Dataset | undefined

/** The other datasets that a landing key feeds: tables of one stream of changes, each of which takes its own of the same objects. */
export function sharers(datasets: readonly Dataset[]): (lead: Dataset, key: string) => readonly Dataset[] {
  const streams = datasets.filter(isShareable)
  return (lead, key) =>
    isShareable(lead)
      ? streams.filter(each => each.name !== lead.name && each.source.match.some(glob => globMatches(glob, key)))
      : []
}

/** The datasets whose objects may feed this one, too: they are kept under the name of the one that they were routed to. */
export const leadersOf = (dataset: Dataset, datasets: readonly Dataset[]): readonly Dataset[] =>
  isShareable(dataset) ? datasets.filter(each => each.name !== dataset.name && isShareable(each)) : []

const isShareable = ({ source }: Dataset): boolean => (source.changes?.tables.length ?? 0) > 0

interface Route {
  readonly glob: string
  readonly dataset: Dataset
}

const DOUBLE_STARS_MAX = 4

/**
 * Fails with `dataset-invalid` when two datasets have equally specific globs that some key matches both of: which table
 * that key feeds must not depend on the order of a list. Tables of one stream of changes may share its objects (`sharers`).
 */
export function router(datasets: readonly Dataset[]): Router {
  const routes = datasets
    .flatMap(dataset => dataset.source.match.map(glob => ({ glob, dataset })))
    .toSorted((a, b) => compareSpecificity(a.glob, b.glob))
  routes.forEach(refuseUnbounded)
  routes.forEach((route, index) => {
    refuseAmbiguous(route, routes.slice(index + 1))
  })
  return key => routes.find(route => globMatches(route.glob, key))?.dataset
}

function refuseUnbounded({ glob, dataset }: Route): void {
  if (glob.split('**').length - 1 > DOUBLE_STARS_MAX)
    throw new LakeError(
      'dataset-invalid',
      `dataset "${dataset.name}": source.match "${glob}" has more than ${DOUBLE_STARS_MAX} "**"`,
      { dataset: dataset.name, field: 'source.match' },
    )
}

function refuseAmbiguous(route: Route, others: readonly Route[]): void {
  const rival = others.find(
    other =>
      other.dataset.name !== route.dataset.name &&
      !(isShareable(other.dataset) && isShareable(route.dataset)) &&
      compareSpecificity(route.glob, other.glob) === 0 &&
      globsMeet(route.glob, other.glob),
  )
  if (rival !== undefined)
    throw new LakeError(
      'dataset-invalid',
      `datasets "${route.dataset.name}" and "${rival.dataset.name}": source.match "${route.glob}" and "${rival.glob}" are ` +
        'equally specific and match some of the same keys; give one of them a longer literal part',
      { dataset: route.dataset.name, other: rival.dataset.name, field: 'source.match' },
    )
}

/** Why an object is no data, by its key alone: what Hadoop writers and consoles leave beside the data. */
export function ignoredKey(key: string): string | undefined {
  // What a stream took in before it was transformed: kept for the case that the transformation was wrong.
  if (isStreamBackup(key)) return 'stream-backup'
  const segments = key.split('/')
  const name = segments.at(-1) ?? ''
  if (name === '') return 'folder-marker'
  if (name === '_SUCCESS') return 'success-marker'
  if (name.endsWith('.crc')) return 'checksum-file'
  // Files of a job that has not been committed yet; they are moved when it is.
  if (segments.slice(0, -1).includes('_temporary')) return 'temporary'
  return undefined
}
