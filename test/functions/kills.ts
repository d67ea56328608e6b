/** `SLUICE_KILLS=all` dies at every call, on both sides of its effect, for minutes or hours a test; otherwise a spread of the calls has to do. */
export const ALL_KILLS = process.env['SLUICE_KILLS'] === 'all'

export const killStride = (spread: number): number => (ALL_KILLS ? 1 : spread)

/** For a test that dies often. */
export const KILLS_TIMEOUT = ALL_KILLS ? 7_200_000 : 900_000
