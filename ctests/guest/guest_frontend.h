/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The vhost-user frontend: the socket, and a function for every message.
 *
 * Functions return 0 (or what their text says) on success and a negative errno otherwise:
 * -ETIMEDOUT when no reply came in time, -ECONNRESET or -EPIPE when the backend hung up, -EPROTO
 * for a reply that is not one, -EREMOTEIO when the backend answered "failed" to a message that
 * asked for a reply.
 */
#ifndef GUEST_FRONTEND_H
#define GUEST_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>

#include "guest_wire.h"

/** One connection to a backend. */
struct guest_frontend {
	int listener;		/**< Listening socket when the frontend is the server, or -1. */
	int socket;		/**< The connection, or -1. */
	int backend_channel;	/**< Our end of SET_BACKEND_REQ_FD's socket pair, or -1. */
	int timeout_ms;		/**< How long to wait for a connection or a reply. */
	bool reply_ack;		/**< Ask for a reply to every command (REPLY_ACK negotiated). */
};

/** Make an unconnected frontend. */
void guest_frontend_init(struct guest_frontend *frontend, int timeout_ms);

/** Connect to @p path; tries again until it exists and listens, or the time is up. */
int guest_frontend_connect(struct guest_frontend *frontend, const char *path);

/** Listen at @p path (an old socket there is removed). */
int guest_frontend_listen(struct guest_frontend *frontend, const char *path);

/** Take the next connection of a listening frontend. */
int guest_frontend_accept(struct guest_frontend *frontend);

/** Close the connection and the backend's channel, not the listener. */
void guest_frontend_close(struct guest_frontend *frontend);

/** Close everything. */
void guest_frontend_destroy(struct guest_frontend *frontend);

/** True while the backend has not hung up. */
bool guest_frontend_alive(const struct guest_frontend *frontend);

/**
 * Send any bytes with any file descriptors: truncated, oversized and mismatched messages alike.
 * @return bytes sent or a negative errno.
 */
int guest_send_raw(int socket, const void *bytes, size_t size, const int *fds,
		   unsigned int fd_count);

/** Send a message with exactly this header (size and flags are not corrected). */
int guest_send(int socket, const struct guest_message *message);

/**
 * Receive one whole message. File descriptors in it become the caller's.
 * @return 0 or a negative errno; -EPROTO when the payload is larger than GUEST_WIRE_PAYLOAD.
 */
int guest_receive(int socket, struct guest_message *message, int timeout_ms);

/** Start a message: header and a zeroed payload of @p size bytes, no file descriptors yet. */
void guest_message_begin(struct guest_message *message, enum guest_request request,
			 uint32_t size);

/** Close the file descriptors that came with a message. */
void guest_message_close(struct guest_message *message);

/** Send a message that has a reply of its own; the reply replaces the message. */
int guest_query(struct guest_frontend *frontend, struct guest_message *message);

/** Send a message without a reply of its own; waits for the REPLY_ACK when negotiated. */
int guest_command(struct guest_frontend *frontend, struct guest_message *message);

/* Features. */
int guest_get_features(struct guest_frontend *frontend, uint64_t *features);
int guest_set_features(struct guest_frontend *frontend, uint64_t features);
int guest_get_protocol_features(struct guest_frontend *frontend, uint64_t *features);
int guest_set_protocol_features(struct guest_frontend *frontend, uint64_t features);
int guest_get_queue_num(struct guest_frontend *frontend, uint64_t *count);

/* Ownership and state. */
int guest_set_owner(struct guest_frontend *frontend);
int guest_reset_owner(struct guest_frontend *frontend);
int guest_reset_device(struct guest_frontend *frontend);
int guest_set_status(struct guest_frontend *frontend, uint8_t status);
int guest_get_status(struct guest_frontend *frontend, uint64_t *status);

/* Memory; @p fds holds one descriptor per region. */
int guest_set_mem_table(struct guest_frontend *frontend, const struct guest_mem_table *table,
			const int *fds);
int guest_get_max_mem_slots(struct guest_frontend *frontend, uint64_t *count);
int guest_add_mem_reg(struct guest_frontend *frontend, const struct guest_wire_region *region,
		      int fd);
int guest_rem_mem_reg(struct guest_frontend *frontend, const struct guest_wire_region *region);

/** SET_LOG_BASE: hand over the dirty log. The backend replies even without REPLY_ACK. */
int guest_set_log_base(struct guest_frontend *frontend, uint64_t size, uint64_t offset, int fd);
int guest_set_log_fd(struct guest_frontend *frontend, int fd);

/* Rings. A negative fd is sent as "no file descriptor" (poll mode). */
int guest_set_vring_num(struct guest_frontend *frontend, uint32_t index, uint32_t size);
int guest_set_vring_addr(struct guest_frontend *frontend, const struct guest_vring_addr *addr);
int guest_set_vring_base(struct guest_frontend *frontend, uint32_t index, uint32_t base);
int guest_get_vring_base(struct guest_frontend *frontend, uint32_t index, uint32_t *base);
int guest_set_vring_kick(struct guest_frontend *frontend, uint32_t index, int fd);
int guest_set_vring_call(struct guest_frontend *frontend, uint32_t index, int fd);
int guest_set_vring_err(struct guest_frontend *frontend, uint32_t index, int fd);
int guest_set_vring_enable(struct guest_frontend *frontend, uint32_t index, bool enable);
int guest_set_vring_endian(struct guest_frontend *frontend, uint32_t index, uint32_t endian);
int guest_vring_kick(struct guest_frontend *frontend, uint32_t index);

/* Network. */
int guest_send_rarp(struct guest_frontend *frontend, const uint8_t mac[6]);
int guest_net_set_mtu(struct guest_frontend *frontend, uint64_t mtu);

/* Configuration space. */
int guest_get_config(struct guest_frontend *frontend, struct guest_config_space *space);
int guest_set_config(struct guest_frontend *frontend, const struct guest_config_space *space);

/** GET_INFLIGHT_FD: fills @p area (queues and ring_size are input) and @p fd. */
int guest_get_inflight_fd(struct guest_frontend *frontend, struct guest_inflight_area *area,
			  int *fd);
int guest_set_inflight_fd(struct guest_frontend *frontend,
			  const struct guest_inflight_area *area, int fd);

/* Post-copy migration; POSTCOPY_ADVISE's reply may carry a userfaultfd (or -1). */
int guest_postcopy_advise(struct guest_frontend *frontend, int *fd);
int guest_postcopy_listen(struct guest_frontend *frontend);
int guest_postcopy_end(struct guest_frontend *frontend, uint64_t *status);

/** SET_BACKEND_REQ_FD: make a socket pair, keep one end in backend_channel. */
int guest_set_backend_req_fd(struct guest_frontend *frontend);

/** IOTLB_MSG: update or invalidate (see struct vhost_iotlb_msg of Linux). */
int guest_iotlb(struct guest_frontend *frontend, const struct vhost_iotlb_msg *iotlb);

/** Answer a request of the backend that asked for a reply. */
int guest_backend_ack(struct guest_frontend *frontend, const struct guest_message *request,
		      uint64_t result);

#endif
