// Series over time from the snapshots of the room `metrics`: counters become rates between two snapshots.

/** @typedef {import('./types.js').Snapshot} Snapshot */

/** Seconds that are kept. */
export const SPAN = 900;

/** What is drawn: one value for each second, or `null` where nothing is known. */
/**
 * @typedef {object} Sample
 * @property {number} at Seconds since the epoch.
 * @property {Record<string, number | null>} values
 */

export class History {
  /** @type {Sample[]} */
  samples = [];
  /** @type {Snapshot | null} */
  newest = null;
  /** What the counters were when watching began. @type {Snapshot | null} */
  first = null;

  /** @param {Snapshot} snapshot */
  add(snapshot) {
    const before = this.newest;
    this.newest = snapshot;
    // After a restart the counters begin again.
    const isSame = before !== null && snapshot.uptime >= before.uptime;
    if (!isSame) this.first = snapshot;
    const at = Date.parse(snapshot.at) / 1000;
    this.samples.push({ at, values: { ...gauges(snapshot), ...(isSame ? rates(before, snapshot) : {}) } });
    const oldest = at - SPAN;
    while (this.samples.length > 0 && this.samples[0].at < oldest) this.samples.shift();
  }

  /**
   * The columns of a chart.
   * @param {string[]} names
   * @returns {(number | null)[][]}
   */
  columns(names) {
    return [
      this.samples.map(({ at }) => at),
      ...names.map((name) => this.samples.map(({ values }) => values[name] ?? null)),
    ];
  }

  /** @param {string} name */
  last(name) {
    return this.samples.at(-1)?.values[name] ?? null;
  }
}

/**
 * @param {Snapshot} now
 * @returns {Record<string, number | null>}
 */
function gauges(now) {
  return {
    connections: now.connections,
    rooms: now.rooms,
    memory: now.memory_bytes,
    outboxes: now.outbox_bytes,
    connectionWaiting: now.connection_waiting,
    commitWaiting: now.commit_waiting,
  };
}

/**
 * @param {Snapshot} before
 * @param {Snapshot} now
 * @returns {Record<string, number | null>}
 */
function rates(before, now) {
  const seconds = (Date.parse(now.at) - Date.parse(before.at)) / 1000;
  if (seconds <= 0) return {};
  const rate = (/** @type {number} */ from, /** @type {number} */ to) => Math.max(to - from, 0) / seconds;
  /** @param {string} status */
  const http = (status) => rate(before.http[status] ?? 0, now.http[status] ?? 0);
  return {
    deliveries: rate(before.deliveries, now.deliveries),
    commands: rate(before.commands, now.commands),
    acks: rate(before.acks, now.acks),
    http2xx: http("2xx") + http("1xx") + http("3xx"),
    http4xx: http("4xx"),
    http5xx: http("5xx"),
    p50: quantile(0.5, before.http_seconds, now.http_seconds),
    p99: quantile(0.99, before.http_seconds, now.http_seconds),
    ackP50: quantile(0.5, before.ack_seconds, now.ack_seconds),
    ackP99: quantile(0.99, before.ack_seconds, now.ack_seconds),
    group: now.commits > before.commits ? (now.committed_writes - before.committed_writes) / (now.commits - before.commits) : null,
    refusals: rate(sum(before.refusals), sum(now.refusals)),
    ...Object.fromEntries(
      Object.entries(now.refusals).map(([reason, count]) => [`refusal ${reason}`, rate(before.refusals[reason] ?? 0, count)]),
    ),
    dropped: rate(before.dropped, now.dropped),
    cpu: rate(before.cpu_seconds, now.cpu_seconds) * 100,
  };
}

/** @param {Record<string, number>} counts */
export function sum(counts) {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

/**
 * The bound that this part of the requests between two snapshots stayed within, in seconds; interpolated in its bucket.
 * @param {number} part
 * @param {[number | null, number][]} before
 * @param {[number | null, number][]} now
 */
export function quantile(part, before, now) {
  const counts = now.map(([bound, count], index) => /** @type {const} */ ([bound, count - (before[index]?.[1] ?? 0)]));
  const all = counts.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let low = 0;
  let below = 0;
  for (const [bound, count] of counts) {
    if (count >= part * all) {
      if (bound === null) return low;
      return low + ((bound - low) * (part * all - below)) / Math.max(count - below, 1);
    }
    low = bound ?? low;
    below = count;
  }
  return low;
}
