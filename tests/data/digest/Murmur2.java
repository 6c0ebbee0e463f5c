/* Prints rows of { key in hex, hash } with the Java client's own murmur2.
 * SPDX-License-Identifier: Apache-2.0 */
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.apache.kafka.common.utils.Utils;

public class Murmur2 {
    static void print(byte[] key) {
        String hash = Integer.toUnsignedString(Utils.murmur2(key));
        System.out.println("{ \"" + HexFormat.of().formatHex(key) + "\", " + hash + "u },");
    }

    public static void main(String[] arguments) {
        for (String word : new String[] {"", "21", "foobar", "customer-1", "Müller"})
            print(word.getBytes(StandardCharsets.UTF_8));
        Random random = new Random(1);
        for (int length = 1; length <= 40; length++) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            print(key);
        }
    }
}
