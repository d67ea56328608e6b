// A silent fallback to an old Node is the failure mode of pinning it through node_modules/.bin, so every test run checks first.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// 22.18 strips types without a flag; older ones do not even get here.
if (major < 22 || (major === 22 && minor < 18))
  throw new Error(`Sluice needs Node 22.18 or newer to run, this is ${process.versions.node}: run through "npm test".`)
