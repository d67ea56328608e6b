import { defineDataset } from '#lake/dataset.ts'

/** Parquet, partitioned by month and sorted within: the shape of most event tables. */
export const flights = defineDataset({
  name: 'flights',
  description: 'US domestic flights of the first half of 2001, one row a flight',
  owner: 'operations',
  source: { system: 'bts', format: 'parquet', match: 'flights/*.parquet' },
  columns: {
    date: { type: 'timestamp', required: true, doc: 'scheduled departure, local time' },
    delay: { type: 'int', doc: 'minutes late on arrival; negative is early' },
    distance: { type: 'int', doc: 'miles' },
    origin: { type: 'string', required: true, doc: 'IATA code' },
    destination: { type: 'string', required: true, doc: 'IATA code' },
  },
  partitionBy: ['month(date)'],
  sortBy: ['date'],
  freshness: { maxLagMinutes: 24 * 60 },
  quality: `Rules = [
    RowCount > 0,
    # Nobody lands 18 hours early.
    ColumnValues "delay" > -180,
    ColumnValues "distance" > 0,
    ColumnLength "origin" = 3,
    ColumnLength "destination" = 3
  ]`,
  tags: { domain: 'aviation' },
})
