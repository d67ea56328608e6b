import { defineDataset } from '#lake/dataset.ts'

/**
 * Dirty JSON: titles that are numbers, dates in words, missing values. What breaks the contract goes to quarantine, row by row, and so does
 * what fits it and cannot be true.
 */
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
  quality: `Rules = [
    RowCount > 0,
    IsUnique "title" "release_date",
    # Years of two digits were given the wrong century somewhere: Gone with the Wind comes out in 2039.
    ColumnValues "release_date" <= "2011-12-31",
    # No cinema has ever sold tickets for nothing.
    ColumnValues "worldwide_gross" > 0,
    ColumnValues "mpaa_rating" in [NULL, "G", "PG", "PG-13", "R", "NC-17", "Not Rated"],
    ColumnValues "running_minutes" between 40 and 300 where "running_minutes is not null",
    ColumnValues "imdb_rating" between 1 and 10 where "imdb_rating is not null",
    ColumnValues "rotten_tomatoes" between -1 and 101 where "rotten_tomatoes is not null",
    Completeness "imdb_rating" > 0.9,
    # Accents that were read in another code page: Le Fabuleux destin d'AmÈlie Poulain. Worth knowing, and no reason to lose a film.
    ColumnValues "title" not matches ".*[a-z][À-Þ].*" labels=["severity"="warn"]
  ]`,
})
