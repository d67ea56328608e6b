import type { Dataset } from '#lake/dataset.ts'
import { closest } from './closest.ts'
import { usage } from './refusal.ts'

/** The datasets of these names, in the order in which they are declared; all when there are no names. */
export function namedDatasets(all: readonly Dataset[], names: readonly string[]): readonly Dataset[] {
  const known = all.map(dataset => dataset.name)
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined) {
    const near = closest(unknown, known)[0]
    const next = near === undefined ? `the datasets are ${known.join(', ')}` : `did you mean ${near}?`
    throw usage(`there is no dataset ${unknown}`, next)
  }
  return names.length === 0 ? all : all.filter(dataset => names.includes(dataset.name))
}
