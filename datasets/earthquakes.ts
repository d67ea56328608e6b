import { defineDataset } from '#lake/dataset.ts'

/** Nested GeoJSON: the records stand under `features`; structs and lists stay structs and lists, times are epoch milliseconds. */
export const earthquakes = defineDataset({
  name: 'earthquakes',
  description: 'Earthquakes as the US Geological Survey reports them',
  owner: 'research',
  source: { system: 'usgs', format: 'json', records: 'features', match: 'earthquakes/*.json' },
  columns: {
    id: { type: 'string', required: true },
    properties: {
      struct: {
        mag: 'double',
        place: 'string',
        time: { type: 'timestamptz', format: 'epoch-millis' },
        updated: { type: 'timestamptz', format: 'epoch-millis' },
        tz: { type: 'int', doc: 'minutes east of UTC' },
        url: 'string',
        felt: 'int',
        cdi: 'double',
        mmi: 'double',
        alert: 'string',
        status: 'string',
        tsunami: 'int',
        sig: 'int',
        net: 'string',
        code: 'string',
        nst: 'int',
        dmin: 'double',
        rms: 'double',
        gap: 'double',
        magType: 'string',
        type: 'string',
        title: 'string',
      },
    },
    geometry: { struct: { type: 'string', coordinates: { list: 'double' } } },
  },
  // `detail`, `ids` and whatever USGS adds next are kept as JSON in `_rescued`.
  evolution: 'discard',
  quality: `Rules = [
    RowCount > 0,
    IsUnique "id",
    # Quarry blasts and explosions shake the ground as well.
    ColumnValues "properties.type" = "earthquake",
    ColumnValues "properties.mag" between -2 and 10,
    IsComplete "properties.time"
  ]`,
})
