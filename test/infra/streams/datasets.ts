import { datasets as declared } from '../../../datasets/index.ts'
import { type Dataset, defineDataset } from '../../../lake/dataset.ts'

const streamed = defineDataset({
  name: 'streamed',
  source: { system: 'shop', format: 'ndjson', match: ['kafka/**', 'kinesis/clicks/**'] },
  columns: { id: 'long' },
})

export const datasets: readonly Dataset[] = [...declared, streamed]
