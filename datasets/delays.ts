import { defineDataset } from '#lake/dataset.ts'

/** A JSON document that is one array: each element is a record. Small files stay together, hashed into buckets. */
export const delays = defineDataset({
  name: 'delays',
  description: 'Delay, distance and hour of departure of sampled flights',
  owner: 'operations',
  source: { system: 'bts', format: 'json', match: 'delays/*.json' },
  columns: {
    delay: { type: 'int', required: true, doc: 'minutes' },
    distance: { type: 'int', required: true, doc: 'miles' },
    time: { type: 'double', required: true, doc: 'hour of the day, with its fraction' },
  },
  partitionBy: ['bucket(4, distance)'],
  quality: `Rules = [
    RowCount > 0,
    ColumnValues "distance" > 0,
    ColumnValues "time" >= 0,
    ColumnValues "time" < 24,
    Mean "delay" between -60 and 60
  ]`,
  tags: { domain: 'aviation' },
})
