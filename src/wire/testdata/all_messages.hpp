// For tests: every constructor of the schema, in the order of wire.md section 3.
#pragma once
#include "wire/messages.hpp"

namespace cocoon::wire::testdata {

using AllMessages = std::variant<
    tcp::Ping, tcp::Pong, tcp::Packet, tcp::QueryAnswer, tcp::QueryError, tcp::Query, tcp::Connected, tcp::Connect,
    TokensUsed, worker::Params, proxy::Params, client::Params, client::ProxyConnectionAuthShort,
    client::ProxyConnectionAuthLong, client::AuthorizationWithProxySuccess, client::AuthorizationWithProxyFailed,
    client::ConnectedToProxy, client::QueryAnswer, client::QueryAnswerError, client::QueryAnswerPart,
    client::QueryAnswerPartError, client::QueryFinalInfo, client::QueryAnswerEx, client::QueryAnswerErrorEx,
    client::QueryAnswerPartEx, client::Refund, client::RefundRejected, client::WorkerType, client::WorkerTypes,
    client::WorkerInstanceV2, client::WorkerTypeV2, client::WorkerTypesV2, client::PaymentStatus,
    client::ConnectToProxy, client::AuthorizeWithProxyShort, client::AuthorizeWithProxyLong, client::RunQuery,
    client::RunQueryEx, client::RequestRefund, client::CancelQuery, client::UpdatePaymentStatus, client::GetWorkerTypes,
    client::GetWorkerTypesV2, client::GetWorkerTypesV2Ex, proxy::ClientRequestPayment, proxy::SignedPayment, proxy::SignedPaymentEmpty,
    proxy::QueryAnswer, proxy::QueryAnswerError, proxy::QueryAnswerPart, proxy::QueryAnswerPartError,
    proxy::QueryFinalInfo, proxy::QueryAnswerEx, proxy::QueryAnswerErrorEx, proxy::QueryAnswerPartEx, proxy::QueryAnswerPartCounted,
    proxy::WorkerRequestPayment, proxy::RunQuery, proxy::RunQueryEx, proxy::CancelQuery, worker::EnabledDisabled, worker::NewCoefficient, worker::ContextLength,
    worker::ConnectedToProxy, worker::CompareBalanceWithProxyResult, worker::ExtendedCompareBalanceWithProxyResult,
    worker::ProxyHandshakeCompleted, worker::PaymentStatus, worker::ChangedModel, worker::ConnectToProxy,
    worker::CompareBalanceWithProxy, worker::ExtendedCompareBalanceWithProxy, worker::ProxyHandshakeComplete,
    worker::UpdatePaymentStatus, worker::ChangeModel, key_manager::PrivateKey, key_manager::PrivateKeys,
    key_manager::GetWorkerPrivateKeys, key_manager::GetProxyPrivateKeys, http::Header, http::Response, http::Request,
    ton_::BlockIdExt, test::Answer, test::Query>;

}  // namespace cocoon::wire::testdata
