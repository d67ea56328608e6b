import { defineDataset } from '#lake/dataset.ts'

/** CSV whose header is written for people: `from` maps its names to columns. Money is decimal, never a float. */
export const birdstrikes = defineDataset({
  name: 'birdstrikes',
  description: 'Reported collisions of aircraft with wildlife',
  owner: 'safety',
  source: { system: 'faa', format: 'csv', match: 'birdstrikes/*.csv' },
  columns: {
    airport: { type: 'string', from: 'Airport Name' },
    aircraft: { type: 'string', from: 'Aircraft Make Model' },
    damage: { type: 'string', from: 'Effect Amount of damage' },
    flight_date: { type: 'date', required: true, from: 'Flight Date' },
    operator: { type: 'string', from: 'Aircraft Airline Operator' },
    state: { type: 'string', from: 'Origin State' },
    phase: { type: 'string', from: 'Phase of flight' },
    wildlife_size: { type: 'string', from: 'Wildlife Size' },
    species: { type: 'string', from: 'Wildlife Species' },
    time_of_day: { type: 'string', from: 'Time of day' },
    cost_other: { type: 'decimal(12,2)', from: 'Cost Other', doc: 'US dollars' },
    cost_repair: { type: 'decimal(12,2)', from: 'Cost Repair', doc: 'US dollars' },
    cost_total: { type: 'decimal(12,2)', from: 'Cost Total $', doc: 'US dollars' },
    speed_knots: { type: 'int', from: 'Speed IAS in knots' },
  },
  partitionBy: ['year(flight_date)'],
  evolution: 'freeze',
  quality: `Rules = [
    RowCount > 0,
    IsComplete "flight_date",
    # A few reports have the codes of an older form.
    ColumnValues "damage" in ["None", "Minor", "Medium", "Substantial"],
    ColumnValues "cost_total" >= 0,
    CustomSql "select count(*) from primary where cost_total <> cost_repair + cost_other" = 0
  ]`,
  tags: { domain: 'aviation' },
})
