import { defineDataset } from '#lake/dataset.ts'

/** Change events of PostgreSQL by Debezium: every state that a row was in, with the time from which it held. */
export const countries = defineDataset({
  name: 'countries',
  description: 'People, their life expectancy and their children, by country and since when',
  owner: 'research',
  source: {
    system: 'gapminder',
    format: 'ndjson',
    match: 'countries/*.ndjson',
    changes: { shape: 'debezium', connector: 'postgresql', tables: 'public.countries' },
  },
  columns: {
    country: { type: 'string', required: true },
    year: { type: 'int', required: true },
    region: { type: 'string', required: true, doc: 'left out of events that do not change it' },
    population: { type: 'long', required: true },
    life_expectancy: { type: 'double', required: true, doc: 'years' },
    fertility: { type: 'double', required: true, doc: 'children per woman' },
  },
  publish: { mode: 'history', key: 'country' },
  quality: `Rules = [
    ColumnValues "population" > 0,
    ColumnValues "life_expectancy" between 10 and 100
  ]`,
})
