import type { Dataset } from '#lake/dataset.ts'
import { airports } from './airports.ts'
import { birdstrikes } from './birdstrikes.ts'
import { countries } from './countries.ts'
import { delays } from './delays.ts'
import { earthquakes } from './earthquakes.ts'
import { flights } from './flights.ts'
import { jobs } from './jobs.ts'
import { movies } from './movies.ts'
import { weather } from './weather.ts'

/** Every table of the lake. An explicit list: a file that is forgotten here fails the tests instead of missing in production. */
export const datasets: readonly Dataset[] = [
  airports,
  birdstrikes,
  countries,
  delays,
  earthquakes,
  flights,
  jobs,
  movies,
  weather,
]
