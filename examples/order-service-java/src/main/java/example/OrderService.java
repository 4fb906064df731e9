package example;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Takes orders over HTTP, sends an event for each step, and follows the events. */
@SpringBootApplication
public class OrderService {
  static final String TOPIC = "OrderEvents";

  public record Order(String id, int amount) {}

  public record OrderEvent(String id, String state) {}

  public static void main(String[] args) {
    SpringApplication.run(OrderService.class, args);
  }

  /** The state of each order, as the events tell it. */
  @Component
  public static class Orders extends ConcurrentHashMap<String, String> {}

  @RestController
  public static class OrderApi {
    private final RocketMQTemplate template;
    private final Orders orders;

    OrderApi(RocketMQTemplate template, Orders orders) {
      this.template = template;
      this.orders = orders;
    }

    /** Events of one order go to one queue, so that they are followed in order. */
    @PostMapping("/orders")
    public Map<String, String> place(@RequestBody Order order) {
      for (String state : new String[] {"created", "paid", "shipped"}) {
        var message =
            MessageBuilder.withPayload(new OrderEvent(order.id(), state))
                .setHeader("KEYS", order.id())
                .build();
        template.syncSendOrderly(TOPIC + ":" + state, message, order.id());
      }
      return Map.of("id", order.id());
    }

    @GetMapping("/orders/{id}")
    public Map<String, String> state(@PathVariable("id") String id) {
      return Map.of("id", id, "state", orders.getOrDefault(id, "unknown"));
    }
  }

  @Component
  @RocketMQMessageListener(
      topic = TOPIC,
      consumerGroup = "order-states",
      consumeMode = ConsumeMode.ORDERLY)
  public static class OrderEvents implements RocketMQListener<OrderEvent> {
    private final Orders orders;

    OrderEvents(Orders orders) {
      this.orders = orders;
    }

    @Override
    public void onMessage(OrderEvent event) {
      orders.put(event.id(), event.state());
    }
  }
}
