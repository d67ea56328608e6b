import { defineDataset } from '#lake/dataset.ts'

/** A full extract: each file replaces the whole table at once, and an older one never undoes a newer one. */
export const airports = defineDataset({
  name: 'airports',
  description: 'Airports of the United States and where they are',
  owner: 'operations',
  source: { system: 'faa', format: 'csv', match: 'airports/*.csv' },
  columns: {
    iata: { type: 'string', required: true },
    name: { type: 'string', required: true },
    city: 'string',
    state: 'string',
    country: 'string',
    latitude: { type: 'double', required: true, doc: 'degrees' },
    longitude: { type: 'double', required: true, doc: 'degrees' },
  },
  sortBy: ['state', 'iata'],
  publish: 'replace',
  quality: `Rules = [
    RowCount > 3000,
    IsPrimaryKey "iata",
    # Four of them are in Micronesia, Palau, the Northern Marianas and Thailand.
    ColumnValues "country" = "USA",
    ColumnValues "latitude" between -90 and 90,
    ColumnValues "longitude" between -180 and 180
  ]`,
  tags: { domain: 'aviation' },
})
