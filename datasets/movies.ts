import { defineDataset } from '#lake/dataset.ts'

/** Dirty JSON: titles that are numbers, dates in words, missing values. What breaks the contract goes to quarantine, row by row. */
export const movies = defineDataset({
  name: 'movies',
  description: 'Films with their earnings and ratings',
  owner: 'research',
  source: { system: 'the-numbers', format: 'json', match: 'movies/*.json' },
  columns: {
    title: { type: 'string', required: true, from: 'Title' },
    release_date: { type: 'date', from: 'Release Date', format: '%b %d %Y' },
    us_gross: { type: 'long', from: 'US Gross', doc: 'US dollars' },
    worldwide_gross: { type: 'long', required: true, from: 'Worldwide Gross', doc: 'US dollars' },
    us_dvd_sales: { type: 'long', from: 'US DVD Sales', doc: 'US dollars' },
    production_budget: { type: 'long', from: 'Production Budget', doc: 'US dollars' },
    mpaa_rating: { type: 'string', from: 'MPAA Rating' },
    running_minutes: { type: 'int', from: 'Running Time min' },
    distributor: { type: 'string', from: 'Distributor' },
    source: { type: 'string', from: 'Source' },
    genre: { type: 'string', from: 'Major Genre' },
    creative_type: { type: 'string', from: 'Creative Type' },
    director: { type: 'string', from: 'Director' },
    rotten_tomatoes: { type: 'int', from: 'Rotten Tomatoes Rating', doc: 'percent' },
    imdb_rating: { type: 'decimal(3,1)', from: 'IMDB Rating' },
    imdb_votes: { type: 'int', from: 'IMDB Votes' },
  },
})
