// A silent fallback to an old Node is the failure mode of pinning it through node_modules/.bin, so every test run checks first.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 12))
  throw new Error(`Sluice needs Node 22.12 or newer to run, this is ${process.versions.node}: run through "npm test".`)
