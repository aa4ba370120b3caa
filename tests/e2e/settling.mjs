// What tests of money wait for and look at: the contracts of a network, and the moment when nothing is under way.
import { parseAddress } from './chain.mjs';
import { getJson, until } from './network.mjs';

export const stats = async (url) => (await getJson(`${url}/jsonstats`)).body;

// Status pages: { proxy, client, workers }.
export async function pages(network, workers) {
  const urls = [network.proxy, network.api, ...Array.from({ length: workers }, (_, i) => network.worker(i))];
  const [proxy, client, ...rest] = await Promise.all(urls.map(stats));
  return { proxy, client, workers: rest };
}

// What auditor.mjs is to be told.
export async function parties(network, count) {
  const { proxy, client, workers } = await pages(network, count);
  return {
    proxy: parseAddress(proxy.smartcontract.address),
    clients: client.proxies.map((p) => parseAddress(p.sc_address)),
    workers: workers.flatMap((w) => w.proxies.map((p) => parseAddress(p.sc_address))),
    wallets: [client.root_contract_config.owner, proxy.wallet.address, client.wallet.address].map(parseAddress),
    price: BigInt(proxy.root_contract_config.price_per_token),
    fee: BigInt(proxy.root_contract_config.worker_fee_per_token),
  };
}

// Everything that was used is committed, charged and paid; nothing is under way.
export const settled = (network, count) => until('all is charged and paid', async () => {
  try {
    const { proxy, client, workers } = await pages(network, count);
    const quiet = [proxy, client, ...workers].every((s) => s.wallet.pending_transactions_cnt === 0);
    return quiet && proxy.status.running_queries === 0 && proxy.clients.length > 0 &&
      proxy.clients.every((c) => c.used_tokens === c.charged_tokens && c.used_tokens === c.used_tokens_committed) &&
      proxy.workers.every((w) => w.earned_tokens === w.paid_tokens && w.earned_tokens === w.earned_tokens_committed);
  } catch {
    return false;  // a node is still being started
  }
}, { seconds: 420, every: 500 });
