import { defineDataset } from '#lake/dataset.ts'

/** Gzipped JSON lines, as log shippers deliver them, and single events by `sluice send`. New fields become columns. */
export const weather = defineDataset({
  name: 'weather',
  description: 'Daily weather in Seattle',
  owner: 'research',
  source: { system: 'noaa', format: 'ndjson', match: 'weather/**/*.ndjson*', stream: { eventTime: 'date' } },
  columns: {
    date: { type: 'date', required: true },
    precipitation: { type: 'decimal(6,1)', doc: 'millimetres' },
    temp_max: { type: 'decimal(4,1)', doc: 'degrees Celsius' },
    temp_min: { type: 'decimal(4,1)', doc: 'degrees Celsius' },
    wind: { type: 'decimal(4,1)', doc: 'metres per second' },
    weather: 'string',
  },
  partitionBy: ['year(date)'],
  evolution: 'add',
  freshness: { maxLagMinutes: 36 * 60 },
  quality: `Rules = [
    IsUnique "date",
    ColumnValues "precipitation" >= 0,
    ColumnValues "weather" in ["drizzle", "fog", "rain", "snow", "sun"],
    CustomSql "select count(*) from primary where temp_min > temp_max" = 0
  ]`,
})
