// Types of the API, from its OpenAPI document; `tsc --checkJs` reads them, browsers never load this file.

/** @typedef {import('souk-api').components['schemas']} Schemas */
/** @typedef {Schemas['User']} User */
/** @typedef {Schemas['UserDetails']} UserDetails */
/** @typedef {Schemas['Login']} Login */
/** @typedef {Schemas['UserLimits']} UserLimits */
/** @typedef {Schemas['Provider']} Provider */
/** @typedef {Schemas['Connection']} Connection */
/** @typedef {Schemas['EndedConnection']} EndedConnection */
/** @typedef {Schemas['Rooms']} Rooms */
/** @typedef {Schemas['Room']} RoomRow */
/** @typedef {Schemas['RoomLog']} RoomLog */
/** @typedef {Schemas['RoomEvent']} RoomEvent */
/** @typedef {Schemas['RoomPresence']} RoomPresence */
/** @typedef {Schemas['AuditEntry']} AuditEntry */
/** @typedef {Schemas['Request']} Request */
/** @typedef {Schemas['Offer']} Offer */
/** @typedef {Schemas['Booking']} Booking */
/** @typedef {Schemas['Project']} Project */
/** @typedef {Schemas['Session']} Chat */
/** @typedef {Schemas['ViewToken']} ViewToken */
/** @typedef {Schemas['ServerHealth']} ServerHealth */
/** @typedef {Schemas['PartHealth']} PartHealth */
/** @typedef {Schemas['NodeHealth']} NodeHealth */
/** @typedef {Schemas['Settings']} Settings */
/** @typedef {Schemas['Setting']} Setting */
/** @typedef {Schemas['Migration']} Migration */
/** @typedef {Schemas['LastBackup']} LastBackup */
/** @typedef {Schemas['Account']} Account */
/** @typedef {Schemas['Explanation']} Explanation */
/** @typedef {Schemas['Machine']} Machine */
/** @typedef {Schemas['Transition']} Transition */
/** @typedef {Schemas['States']} States */
/** @typedef {Schemas['DryRun']} DryRun */
/** @typedef {'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} Method */

/** An event of a room. */
/** @typedef {{room: string, seq: number, kind: string, data: any, by: string | null, at: string}} LiveEvent */

/** A frame of a connection, without what is in it. */
/** @typedef {{number: number, at: string, direction: 'in' | 'out', kind: string, room?: string, seq?: number, bytes: number, latency_us?: number}} Frame */

/** What a room `recorder:` tells. */
/** @typedef {{connection_id: string, is_live: boolean, dropped: number, frames: Frame[]}} Frames */

/** What the room `metrics` tells each second. */
/**
 * @typedef {object} Snapshot
 * @property {string} at
 * @property {number} uptime
 * @property {number} connections
 * @property {number} rooms
 * @property {number} deliveries
 * @property {number} commands
 * @property {number} acks
 * @property {[number | null, number][]} ack_seconds
 * @property {number} outbox_bytes
 * @property {number} connection_waiting
 * @property {number} commit_waiting
 * @property {number} commits
 * @property {number} committed_writes
 * @property {number} dropped
 * @property {number} slow_consumers
 * @property {number} busy
 * @property {Record<string, number>} refusals
 * @property {number} refusal_bursts
 * @property {Record<string, number>} http
 * @property {[number | null, number][]} http_seconds
 * @property {number} sweep_failures
 * @property {number} generations_running
 * @property {number} generations_waiting
 * @property {number} wal_bytes
 * @property {number} cpu_seconds
 * @property {number} memory_bytes
 * @property {number} open_files
 */

export {};
