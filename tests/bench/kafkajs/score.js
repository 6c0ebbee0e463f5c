// score: what millrace-scoring does, as a service on kafkajs: features in, decisions with reasons out,
// one Kafka transaction with its offsets for each batch that kafkajs hands over.
//
//   node score.js BROKERS FROM TO EVENTS WEIGHTS.json
//
// Prints one line of name=value once EVENTS are committed; clocks run from the first batch on.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const fs = require('fs');
const { Kafka, CompressionTypes, logLevel } = require('kafkajs');

const [brokers, from, to, events, weights] = process.argv.slice(2);
const model = JSON.parse(fs.readFileSync(weights));
const FLOAT_MAX = 3.4028234663852886e38;

let columns = 0;
for (const part of model.parts) {
    part.at = columns;
    part.name = model.features[part.feature];
    if (part.encoder === 'one_hot')
        part.column = new Map(part.categories.map((category, i) => [category, columns + i]));
    columns += part.encoder === 'one_hot' ? part.categories.length : 1;
    part.end = columns;
    part.bound = part.clip > 0 ? Math.min(part.clip, FLOAT_MAX) : FLOAT_MAX;
}
const x = new Float32Array(columns);

function encode(event) {
    x.fill(0);
    for (const part of model.parts) {
        const value = event[part.name];
        if (part.encoder === 'one_hot') {
            const column = part.column.get(value);
            if (column !== undefined) x[column] = 1;
        } else if (part.encoder === 'missing_indicator') {
            x[part.at] = value === undefined ? 1 : 0;
        } else if (value !== undefined && part.sd > 0) {
            const code = (Number(value) - part.mean) / part.sd;
            x[part.at] = Math.max(-part.bound, Math.min(part.bound, code));
        }
    }
}

function probability() {
    let margin = model.bias;
    for (let j = 0; j < columns; j++) margin += model.weights[j] * x[j];
    return 1 / (1 + Math.exp(-margin));
}

// The largest contributions against the training mean, summed per feature.
function reasons(event) {
    const total = new Map();
    for (const part of model.parts) {
        let sum = total.get(part.name) || 0;
        for (let j = part.at; j < part.end; j++) sum += model.weights[j] * (x[j] - model.means[j]);
        total.set(part.name, sum);
    }
    return [...total].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, model.reasons)
        .map(([feature, contribution]) =>
            ({ feature, value: event[feature] === undefined ? null : event[feature], contribution }));
}

function decide(message) {
    const event = JSON.parse(message.value);
    encode(event);
    const p = probability();
    let band = model.policy.length - 1;
    while (band > 0 && p < model.policy[band].from) band--;
    return {
        decision: model.policy[band].decision, probability: p, model_version: 1,
        model_digest: model.digest, reasons: reasons(event),
    };
}

async function main() {
    const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.ERROR });
    const consumer = kafka.consumer({ groupId: to, maxBytesPerPartition: 4 << 20, maxWaitTimeInMs: 100 });
    const producer = kafka.producer({ transactionalId: to, maxInFlightRequests: 1, idempotent: true });
    let handled = 0, batches = 0, began, cpu;
    await producer.connect();
    await consumer.connect();
    await consumer.subscribe({ topics: [from], fromBeginning: true });
    await new Promise((resolve, reject) => consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset }) => {
            try {
                began = began || process.hrtime.bigint();
                cpu = cpu || process.cpuUsage();
                const last = batch.messages[batch.messages.length - 1].offset;
                const transaction = await producer.transaction();
                // kafkajs makes one record batch of what it is given, and Kafka limits those to 1 MiB.
                for (let i = 0; i < batch.messages.length; i += 500) {
                    await transaction.send({
                        topic: to, acks: -1, compression: CompressionTypes.None,
                        messages: batch.messages.slice(i, i + 500).map((message) => ({
                            key: message.key, value: JSON.stringify(decide(message)),
                            headers: message.headers, partition: batch.partition,
                        })),
                    });
                }
                await transaction.sendOffsets({
                    consumerGroupId: to,
                    topics: [{ topic: from, partitions: [
                        { partition: batch.partition, offset: String(BigInt(last) + 1n) }] }],
                });
                await transaction.commit();
                resolveOffset(last);
                handled += batch.messages.length;
                batches++;
                if (handled >= Number(events)) resolve();
            } catch (error) {
                reject(error);
            }
        },
    }));
    const used = process.cpuUsage(cpu);
    console.log(`mode=kafkajs events=${handled} ` +
        `seconds=${(Number(process.hrtime.bigint() - began) / 1e9).toFixed(3)} ` +
        `cpu_seconds=${((used.user + used.system) / 1e6).toFixed(3)} batches=${batches}`);
    await consumer.disconnect();
    await producer.disconnect();
}

main().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
});
