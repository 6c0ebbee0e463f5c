// Model: the weights that tests/bench/weights.c writes, and decisions by them: what the learner "logistic"
// and its encoders do in shared/, in the same precision. The probability may come from ONNX Runtime instead.
// SPDX-License-Identifier: Apache-2.0
import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

final class Model {
    private enum Encoder { STANDARDISE, MISSING_INDICATOR, ONE_HOT }

    private static final class Part {
        Encoder encoder;
        int feature, at, end;
        double mean, sd, bound;
        Map<String, Integer> column = new HashMap<>();
    }

    private final ObjectMapper mapper = new ObjectMapper();
    private final String[] features, decisions;
    private final double[] weights, means, from;
    private final double bias;
    private final String digest;
    private final int reasons;
    private final Part[] parts;
    private final float[] x;
    private final Onnx onnx; // null: plain arithmetic

    Model(String path, String onnxPath) throws IOException, OrtException {
        JsonNode root = mapper.readTree(new File(path));
        features = new String[root.get("features").size()];
        for (int i = 0; i < features.length; i++) features[i] = root.get("features").get(i).asText();
        parts = new Part[root.get("parts").size()];
        int columns = 0;
        for (int i = 0; i < parts.length; i++) {
            parts[i] = part(root.get("parts").get(i), columns);
            columns = parts[i].end;
        }
        x = new float[columns];
        onnx = onnxPath == null ? null : new Onnx(onnxPath, columns);
        weights = reals(root.get("weights"));
        means = reals(root.get("means"));
        bias = root.get("bias").asDouble();
        digest = root.get("digest").asText();
        reasons = root.get("reasons").asInt();
        JsonNode policy = root.get("policy");
        from = new double[policy.size()];
        decisions = new String[policy.size()];
        for (int i = 0; i < from.length; i++) {
            from[i] = policy.get(i).get("from").asDouble();
            decisions[i] = policy.get(i).get("decision").asText();
        }
    }

    private static double[] reals(JsonNode array) {
        double[] out = new double[array.size()];
        for (int i = 0; i < out.length; i++) out[i] = array.get(i).asDouble();
        return out;
    }

    private static Part part(JsonNode node, int at) {
        Part part = new Part();
        part.encoder = Encoder.valueOf(node.get("encoder").asText().toUpperCase());
        part.feature = node.get("feature").asInt();
        part.at = at;
        part.end = at + 1;
        if (part.encoder == Encoder.STANDARDISE) {
            double clip = node.get("clip").asDouble();
            part.mean = node.get("mean").asDouble();
            part.sd = node.get("sd").asDouble();
            part.bound = clip > 0 ? Math.min(clip, Float.MAX_VALUE) : Float.MAX_VALUE;
        } else if (part.encoder == Encoder.ONE_HOT) {
            JsonNode categories = node.get("categories");
            for (int i = 0; i < categories.size(); i++) part.column.put(categories.get(i).asText(), at + i);
            part.end = at + categories.size();
        }
        return part;
    }

    private void encode(JsonNode event) {
        Arrays.fill(x, 0);
        for (Part part : parts) {
            JsonNode value = event.get(features[part.feature]);
            switch (part.encoder) {
                case ONE_HOT:
                    Integer column = value == null ? null : part.column.get(value.asText());
                    if (column != null) x[column] = 1;
                    break;
                case MISSING_INDICATOR:
                    x[part.at] = value == null ? 1 : 0;
                    break;
                default:
                    if (value == null || part.sd <= 0) break;
                    double number = value.isBoolean() ? (value.asBoolean() ? 1 : 0) : value.asDouble();
                    double code = (number - part.mean) / part.sd;
                    x[part.at] = (float) Math.max(-part.bound, Math.min(part.bound, code));
            }
        }
    }

    private double probability() throws OrtException {
        if (onnx != null) return onnx.probability(x);
        double margin = bias;
        for (int j = 0; j < x.length; j++) margin += weights[j] * x[j];
        return 1 / (1 + Math.exp(-margin));
    }

    // The largest contributions against the training mean, summed per feature.
    private void explain(JsonNode event, ArrayNode out) {
        double[] total = new double[features.length];
        Integer[] order = new Integer[features.length];
        for (Part part : parts)
            for (int j = part.at; j < part.end; j++) total[part.feature] += weights[j] * (x[j] - means[j]);
        for (int i = 0; i < order.length; i++) order[i] = i;
        Arrays.sort(order, Comparator.comparingDouble(i -> -Math.abs(total[i])));
        for (int i = 0; i < reasons && i < order.length; i++) {
            String feature = features[order[i]];
            ObjectNode reason = out.addObject();
            reason.put("feature", feature);
            reason.set("value", event.get(feature));
            reason.put("contribution", total[order[i]]);
        }
    }

    byte[] decide(byte[] value) {
        try {
            JsonNode event = mapper.readTree(value);
            encode(event);
            double p = probability();
            int band = from.length - 1;
            while (band > 0 && p < from[band]) band--;
            ObjectNode out = mapper.createObjectNode();
            out.put("decision", decisions[band]);
            out.put("probability", p);
            out.put("model_version", 1);
            out.put("model_digest", digest);
            explain(event, out.putArray("reasons"));
            return mapper.writeValueAsBytes(out);
        } catch (IOException | OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
