import { basename } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import { ignoredKey, type Router, router } from '#lake/route.ts'
import { streamGlob } from '#lake/stream.ts'
import { closest } from './closest.ts'
import { refusal, usage } from './refusal.ts'

export interface PlannedPut {
  /** As it was given. */
  readonly file: string
  readonly key: string
  readonly dataset: Dataset
}

export interface PutWishes {
  readonly files: readonly string[]
  /** Name of a dataset. */
  readonly dataset: string | undefined
  /** A key of the user's choice, for a single file. */
  readonly as: string | undefined
}

/** Where files go in landing so that ingest takes them for the wanted dataset; refuses when no key would do. */
export function planPut(datasets: readonly Dataset[], wishes: PutWishes): readonly PlannedPut[] {
  const route = router(datasets)
  if (wishes.as !== undefined) return [planAs(route, { ...wishes, as: wishes.as }, datasets)]
  if (wishes.dataset === undefined)
    throw usage('which dataset the files are for is not said', `give --dataset NAME: ${namesOf(datasets)}`)
  const dataset = findDataset(datasets, wishes.dataset)
  const planned = wishes.files.map(file => ({ file, dataset, key: keyFor(route, dataset, file) }))
  const twice = planned.find((each, at) => planned.findIndex(other => other.key === each.key) < at)
  if (twice !== undefined)
    throw usage(`two of the files would be ${twice.key} in landing`, 'put them one by one, with --as KEY')
  return planned
}

function planAs(
  route: Router,
  { files, dataset: name, as: key }: PutWishes & { as: string },
  datasets: readonly Dataset[],
): PlannedPut {
  if (files.length !== 1) throw usage('--as names the key of one file', 'put the files one by one, or leave --as out')
  const wanted = name === undefined ? undefined : findDataset(datasets, name)
  const steps = key.split('/')
  if (steps.some(step => step === '' || step === '.' || step === '..'))
    throw usage(
      `--as ${key} is no landing key`,
      'give names with single slashes between them, as in flights/2026.parquet',
    )
  const dataset = route(key)
  if (dataset === undefined || (wanted !== undefined && dataset !== wanted)) {
    const goes = dataset === undefined ? 'belongs to no dataset' : `belongs to ${dataset.name}`
    const patterns = wanted === undefined ? datasets.flatMap(patternsOf) : patternsOf(wanted)
    throw refusal('contract-broken', `the key ${key} ${goes}`, `keys look like ${patterns.join(', ')}`)
  }
  refuseIgnored(key)
  return { file: files[0] as string, key, dataset }
}

function findDataset(datasets: readonly Dataset[], name: string): Dataset {
  const dataset = datasets.find(each => each.name === name)
  if (dataset !== undefined) return dataset
  const near = closest(
    name,
    datasets.map(each => each.name),
  )
  const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${namesOf(datasets)}`
  throw usage(`there is no dataset ${name}`, next)
}

/** The folder named after the dataset when its patterns take it, otherwise the fixed beginning of one of them. */
function keyFor(route: Router, dataset: Dataset, file: string): string {
  const name = basename(file)
  const folders = patternsOf(dataset).map(glob => glob.slice(0, glob.search(/[^/]*\*|[^/]*$/)))
  const key = [`${dataset.name}/`, ...folders].map(folder => folder + name).find(each => route(each) === dataset)
  if (key === undefined && patternsOf(dataset).length === 0)
    throw refusal(
      'contract-broken',
      `${dataset.name} takes single events, and no files`,
      `send its lines instead: sluice send ${file} --dataset ${dataset.name}`,
    )
  if (key === undefined)
    throw refusal(
      'contract-broken',
      `${dataset.name} takes no file of the name ${name}`,
      `it takes ${patternsOf(dataset).join(', ')}: rename the file, or give such a key with --as KEY`,
    )
  refuseIgnored(key)
  return key
}

function refuseIgnored(key: string): void {
  const reason = ignoredKey(key)
  if (reason !== undefined)
    throw refusal('contract-broken', `ingest ignores ${key}: ${reason}`, 'give it another name with --as KEY')
}

/** What its stream delivers is not for people to put. */
const patternsOf = ({ name, source }: Dataset): readonly string[] =>
  source.match.filter(glob => glob !== streamGlob(name))
const namesOf = (datasets: readonly Dataset[]): string => datasets.map(each => each.name).join(', ')
