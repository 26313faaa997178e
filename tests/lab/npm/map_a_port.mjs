// A program on the LAN that maps a port with @achingbrain/nat-port-mapper: ADDRESS PORT.
// Prints "mapped EXTERNAL_ADDRESS PORT" when the gateway has granted it; unmaps it at SIGTERM.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto // node 18 has it under this name alone
const { upnpNat } = await import('@achingbrain/nat-port-mapper')

const SEARCH_MILLISECONDS = 10000
const [address, port] = process.argv.slice(2)

async function firstGateway () {
  const signal = AbortSignal.timeout(SEARCH_MILLISECONDS)
  for await (const gateway of upnpNat().findGateways({ signal })) return gateway
  throw new Error('no gateway found')
}

const gateway = await firstGateway()
const mapping = await gateway.map(Number(port), address, { protocol: 'tcp', autoRefresh: false })
console.log('mapped', await gateway.externalIp(), mapping.externalPort)
const waiting = setInterval(() => {}, 1000)
process.once('SIGTERM', async () => {
  clearInterval(waiting)
  await gateway.unmap(Number(port))
  await gateway.stop()
  process.exit(0)
})
