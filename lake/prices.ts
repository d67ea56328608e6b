/**
 * What AWS charges, in US dollars, for what Sluice estimates: on demand, region us-east-1, without the free tier, as
 * published on 2026-11-20. Change them here, and only here, for another region or contract.
 */
export const PRICES = {
  /** https://aws.amazon.com/lambda/pricing/: x86, the first 6 billion GB-seconds of a month. */
  lambdaGbSecond: 0.0000166667,
  lambdaRequest: 0.2 / 1_000_000,
  /** https://aws.amazon.com/step-functions/pricing/: standard workflows. */
  stateTransition: 0.025 / 1_000,
  /** https://aws.amazon.com/s3/pricing/: S3 Standard; PUT, COPY and LIST, and everything else. */
  s3Write: 0.005 / 1_000,
  s3Read: 0.0004 / 1_000,
} as const
