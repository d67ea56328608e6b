import { defineDataset } from '#lake/dataset.ts'

/** A folder of AWS DMS, full load and changes: the rows that the source has now, and none that it has deleted. */
export const jobs = defineDataset({
  name: 'jobs',
  description: 'How many women and men work in each occupation, by the last census that found any',
  owner: 'research',
  source: {
    system: 'census',
    format: 'csv',
    match: 'jobs/*.csv',
    csv: { header: true },
    changes: { shape: 'dms', dms: { sequenceColumn: 'change_seq' } },
  },
  columns: {
    job: { type: 'string', required: true },
    sex: { type: 'string', required: true },
    year: { type: 'int', required: true },
    workers: { type: 'long', required: true, from: 'count' },
    share: { type: 'double', required: true, from: 'perc', doc: 'of all who work' },
  },
  publish: { mode: 'merge', key: ['job', 'sex'] },
  quality: `Rules = [
    ColumnValues "sex" in ["women", "men"],
    ColumnValues "share" between 0 and 1
  ]`,
})
