// Score: what millrace-scoring does, as a Kafka Streams program with exactly_once_v2.
//
//   java Score BROKERS FROM TO EVENTS WEIGHTS.json COMMIT_INTERVAL_MS [MODEL.onnx]
//
// With MODEL.onnx, the probability is computed by ONNX Runtime, a call a record; the rest stays the same.
// Prints one line of name=value once EVENTS are handled and committed; clocks run from the first event on.
// SPDX-License-Identifier: Apache-2.0
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;

public final class Score {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static long handled, began, cpu;

    private static byte[] decide(Model model, long events, CountDownLatch done, byte[] value) {
        if (handled == 0) {
            began = System.nanoTime();
            cpu = SYSTEM.getProcessCpuTime();
        }
        byte[] decision = model.decide(value);
        if (++handled == events) done.countDown();
        return decision;
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[2]);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[5]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir"));
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        String onnx = args.length > 6 ? args[6] : null;
        Model model = new Model(args[4], onnx);
        long events = Long.parseLong(args[3]);
        CountDownLatch done = new CountDownLatch(1);
        StreamsBuilder builder = new StreamsBuilder();
        builder.<byte[], byte[]>stream(args[1])
                .mapValues(value -> decide(model, events, done, value))
                .to(args[2]);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        done.await();
        double seconds = (System.nanoTime() - began) / 1e9;
        double used = (SYSTEM.getProcessCpuTime() - cpu) / 1e9;
        streams.close(Duration.ofSeconds(60)); // commits what is open
        System.out.printf("mode=%s events=%d seconds=%.3f cpu_seconds=%.3f%n",
                onnx == null ? "streams" : "streams-onnx", handled, seconds, used);
    }
}
